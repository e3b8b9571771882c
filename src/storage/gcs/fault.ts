import { StorageError } from '../storage-error.ts'

/** An answer that contradicts itself or the question: nothing of it may be used, least of all its silence (T8). For this folder's files. */
export function invalidAnswer(what: string): StorageError {
  return new StorageError('invalid', `The storage's listing cannot be trusted: ${what}. Nothing of it was used.`, {
    provider: 'gcs',
    op: 'list',
  })
}

/** An answer with status 200 that Cloud Storage never gives to a listing: a log-in page, other JSON, an empty body. For this folder's files. */
export function notAStorage(what: string): StorageError {
  return new StorageError(
    'not-a-storage',
    `The address answered ${what} where a storage answers a listing; check the endpoint and its port.`,
    { provider: 'gcs', op: 'list' },
  )
}
