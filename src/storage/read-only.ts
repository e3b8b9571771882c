import type { Storage } from './port.ts'
import { StorageError } from './storage-error.ts'

/** What a storage cannot do once nothing may be written to it. */
export const readOnlyCapabilities = {
  write: false,
  write_if_absent: false,
  write_if_match: false,
  remove_if_match: false,
  remove_batch_max: 0,
  sign_write: false,
} as const

/** Puts a storage behind one that writes nothing, removes nothing and signs for neither, whatever its credentials allow: for drivers that are read-only by choice. */
export function readOnly(storage: Storage): Storage {
  const refuse = async (op: string): Promise<never> => {
    const { provider } = storage
    throw new StorageError('unsupported', 'The storage driver is read-only.', { provider, op })
  }
  return {
    provider: storage.provider,
    can: { ...storage.can, ...readOnlyCapabilities },
    list: (query) => storage.list(query),
    stat: (key, options) => storage.stat(key, options),
    read: (key, options) => storage.read(key, options),
    write: () => refuse('write'),
    remove: () => refuse('remove'),
    signRead: (key, options) => storage.signRead(key, options),
    signWrite: () => refuse('signWrite'),
    check: (options) => storage.check({ ...options, isReadOnly: true }),
    close: () => storage.close(),
  }
}
