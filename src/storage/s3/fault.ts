import { StorageError } from '../storage-error.ts'

/** An answer that contradicts itself or the question: nothing of it may be used, least of all its silence (T8). For the S3 driver's own files. */
export function invalidAnswer(what: string): StorageError {
  return new StorageError('invalid', `The storage's listing cannot be trusted: ${what}. Nothing of it was used.`, {
    provider: 's3',
    op: 'list',
  })
}
