import { StorageError, type StorageErrorKind } from '../storage-error.ts'

const kinds = new Map<string, StorageErrorKind>([
  ['ENOENT', 'not-found'],
  ['EACCES', 'forbidden'],
  ['EPERM', 'forbidden'],
  ['EROFS', 'forbidden'],
  ['EEXIST', 'conflict'],
  ['EISDIR', 'conflict'],
  ['ENOTDIR', 'conflict'],
  ['ENAMETOOLONG', 'unaddressable'],
  ['EILSEQ', 'unaddressable'],
  ['ELOOP', 'unsupported'],
  ['ENXIO', 'unsupported'],
])

const sentences: Partial<Record<StorageErrorKind, string>> = {
  'not-found': 'The folder has no such file.',
  forbidden: 'The server’s user may not do this in the folder; change the rights of the folder.',
  conflict: 'A file and a folder cannot have the same name here.',
  unaddressable: 'The file system does not take this name.',
  unsupported: 'This is neither a file nor a folder.',
  unavailable: 'The file system failed for the moment.',
}

/** Turns a failure of the file system into a `StorageError` without the path in it; the only place that knows `errno` codes. */
export function toLocalError(error: unknown, op: string, key?: string): StorageError {
  if (error instanceof StorageError) return error
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  // Anything else of the system's (EIO, ESTALE, EMFILE, ENOSPC, …) may be over soon.
  const kind = code === undefined ? 'invalid' : (kinds.get(code) ?? 'unavailable')
  return localError(
    kind,
    sentences[kind] ?? 'The file system gave an answer that makes no sense.',
    op,
    key,
    code,
    error,
  )
}

/** A failure of the local-folder driver in its own words. */
export function localError(
  kind: StorageErrorKind,
  message: string,
  op: string,
  key?: string,
  providerCode?: string,
  cause?: unknown,
): StorageError {
  return new StorageError(kind, message, { provider: 'local', op, key, providerCode, cause })
}
