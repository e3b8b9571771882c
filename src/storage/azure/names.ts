import { unaddressableReason } from '../key.ts'
import type { Key } from '../port.ts'
import { StorageError } from '../storage-error.ts'

/** Longest name of a blob, in UTF-16 code units, as Azure counts characters; up to 4,096 bytes of UTF-8. */
const CHARS_MAX = 1024

// What no blob's name can have: Azure takes what XML and URLs can carry. Tab and line breaks are among the control characters it refuses.
const unnameable = /[\u0000-\u001f\u007f\u0081\ue000\ufffe\uffff]/

/**
 * The only way to a blob's name that may be addressed: gives it back as it is, or throws `StorageError('unaddressable')`. For every method of the driver.
 *
 * The rules of all storages hold (no `.` or `..` part, no NUL, valid Unicode) with Azure's own length, and besides what Azure cannot name.
 * https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#blob-names
 */
export function azureKey(key: string, op: string): Key {
  const reason = azureUnaddressable(key)
  if (reason === null) return key
  throw new StorageError('unaddressable', `No safe address can be made for this key: ${reason}.`, {
    provider: 'azure',
    op,
  })
}

/** Why a name cannot be a blob's, in words; null where it can. */
export function azureUnaddressable(key: string): string | null {
  const reason = unaddressableReason(key)
  if (reason !== undefined && reason !== 'too-long') return reasons[reason]
  if (key.length > CHARS_MAX) return `it is longer than ${CHARS_MAX} characters`
  // Azure reads it as a slash: the name would be another blob's.
  if (key.includes('\\')) return 'Azure takes a backslash for a slash'
  if (unnameable.test(key)) return 'Azure has no names with control characters'
  return null
}

const reasons = {
  empty: 'it is empty',
  'dot-segment': 'it has a part that is “.” or “..”',
  nul: 'it has a NUL character',
  'not-utf8': 'it is not valid Unicode',
} as const
