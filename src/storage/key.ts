import type { Key, ProviderId } from './port.ts'
import { StorageError } from './storage-error.ts'

/** Name of the hidden folder unless the operator chose another (`SLUICE_HIDDEN_FOLDER`). */
export const HIDDEN_FOLDER = '.dataloop'

/** Longest key any provider here takes, in bytes of UTF-8; a folder must leave room for names in it. */
export const KEY_BYTES_MAX = 1024
const FOLDER_BYTES_MAX = KEY_BYTES_MAX - 16

const SLASH = 47

/** Why a key cannot be put into an address; `undefined` where it can. For listings, which index such keys and flag them (§3.3). */
export type UnaddressableReason = 'empty' | 'dot-segment' | 'nul' | 'not-utf8' | 'too-long'

/**
 * Tells why a key may not be addressed.
 *
 * A `.` or `..` part is collapsed by browsers, proxies and some SDKs, and then names another object, folder or bucket; `\` counts as a
 * divider here for defence. Lone surrogates stand for no bytes at all.
 */
export function unaddressableReason(key: string): UnaddressableReason | undefined {
  if (key === '') return 'empty'
  if (key.includes('\0')) return 'nul'
  if (!key.isWellFormed()) return 'not-utf8'
  if (key.length > KEY_BYTES_MAX / 3 && Buffer.byteLength(key) > KEY_BYTES_MAX) return 'too-long'
  if (key.includes('.') && /(?:^|[/\\])\.{1,2}(?:[/\\]|$)/.test(key)) return 'dot-segment'
  return undefined
}

const reasons: Record<UnaddressableReason, string> = {
  empty: 'it is empty',
  'dot-segment': 'it has a part that is “.” or “..”',
  nul: 'it has a NUL character',
  'not-utf8': 'it is not valid Unicode',
  'too-long': `it is longer than ${KEY_BYTES_MAX} bytes`,
}

/** The only way to a key that may be addressed: gives it back as it is, or throws `StorageError('unaddressable')`. For every driver method. */
export function addressableKey(key: string, where: { provider: ProviderId; op: string }): Key {
  const reason = unaddressableReason(key)
  if (reason === undefined) return key
  throw new StorageError('unaddressable', `No safe address can be made for this key: ${reasons[reason]}.`, where)
}

/** What is wrong with a folder as somebody typed it. */
export type FolderFault = 'not-utf8' | 'control' | 'dot-segment' | 'too-long'

/**
 * Brings a folder to the one form the product keeps: `''` for the whole bucket, or a text that ends in `/` (§3.4). For driver settings.
 *
 * Nothing else is changed: a leading `/` and `//` stay, since they are other folders than without. `/` alone is taken as the whole bucket.
 */
export function normaliseFolder(
  typed: string,
): { readonly ok: true; readonly folder: string } | { readonly ok: false; readonly fault: FolderFault } {
  if (typed === '' || typed === '/') return { ok: true, folder: '' }
  if (!typed.isWellFormed()) return { ok: false, fault: 'not-utf8' }
  if (/[\u0000-\u001f\u007f]/.test(typed)) return { ok: false, fault: 'control' }
  const folder = typed.endsWith('/') ? typed : `${typed}/`
  if (unaddressableReason(folder) === 'dot-segment') return { ok: false, fault: 'dot-segment' }
  if (Buffer.byteLength(folder) > FOLDER_BYTES_MAX) return { ok: false, fault: 'too-long' }
  return { ok: true, folder }
}

/** Whether a key lies in a folder: compared as bytes, and the folder itself is not in it. For requests, answers and events alike. */
export function inFolder(folder: Buffer, key: Buffer): boolean {
  return key.length > folder.length && key.compare(folder, 0, folder.length, 0, folder.length) === 0
}

/**
 * Makes the test for keys of hidden folders: true where any part between slashes, the last one excepted, is the hidden folder's name.
 *
 * The folder of *every* driver counts, because a driver of the bucket's root would index what a driver below it keeps (DR-19). The test
 * reads `bytes[start, end)` and is fast enough for every key of a listing.
 */
export function hiddenFolderTest(name: string = HIDDEN_FOLDER): (bytes: Buffer, start: number, end: number) => boolean {
  const part = Buffer.from(`${name}/`)
  const first = part[0]!
  return (bytes, start, end) => {
    const last = end - part.length
    let isPartStart = true
    for (let at = start; at <= last; at++) {
      const byte = bytes[at]
      if (isPartStart && byte === first && bytes.compare(part, 0, part.length, at, at + part.length) === 0) return true
      isPartStart = byte === SLASH
    }
    return false
  }
}

/** Whether an entry only marks a folder: it ends in `/` and holds nothing. One that holds bytes is a file like any other. */
export function isFolderMarker(bytes: Buffer, end: number, sizeBytes: number): boolean {
  return sizeBytes === 0 && end > 0 && bytes[end - 1] === SLASH
}
