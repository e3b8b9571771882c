import { isUtf8 } from 'node:buffer'
import type { SkipReason } from '#contract/skip-reasons.ts'
import { unaddressableReason } from '#storage/key.ts'

/** Bits of `item.flags` that follow from the key, and the one for an object that wants a restore before it can be read. */
export const FLAG_HIDDEN = 1
export const FLAG_UNADDRESSABLE = 2
export const FLAG_ARCHIVED = 4
/** Those that key and storage decide; any other is a mark of ours, and no difference between an item and its file. */
export const STORAGE_FLAGS = FLAG_HIDDEN | FLAG_UNADDRESSABLE | FLAG_ARCHIVED

/** Longest folder path and longest name in bytes: an index row holds 2,704 at the most. */
export const PART_BYTES_MAX = 2600
const SLASH = 0x2f

/** What a key below a driver's folder is to a dataset: an item, or why none. `flags` are those that follow from the key. */
export type Place =
  | { readonly kind: 'item'; readonly path: string; readonly name: string; readonly flags: number }
  /** Below the platform's own hidden folder. */
  | { readonly kind: 'own' }
  | { readonly kind: 'skipped'; readonly reason: Extract<SkipReason, 'not-text' | 'too-long'> }

/**
 * Takes a key apart, one at a time; a listing's batch does the same for millions (core/sync/rows/batch.ts) and a test keeps the two in agreement.
 *
 * `key` is what follows the driver's folder, at least one byte. A slash at its end belongs to the name: with bytes in it such an object is a file.
 */
export function placeOf(key: Buffer, hiddenFolder: string): Place {
  const nameStart = key.lastIndexOf(SLASH, key[key.length - 1] === SLASH ? -2 : -1) + 1
  if (key.length === 1 && key[0] === SLASH) return itemAt('', '/')
  if (nameStart > PART_BYTES_MAX || key.length - nameStart > PART_BYTES_MAX)
    return { kind: 'skipped', reason: 'too-long' }
  if (key.includes(0) || !isUtf8(key)) return { kind: 'skipped', reason: 'not-text' }
  const path = key.toString('utf8', 0, nameStart)
  const segments = path.split('/').slice(0, -1)
  if (segments.includes(hiddenFolder)) return { kind: 'own' }
  return itemAt(path, key.toString('utf8', nameStart))
}

function itemAt(path: string, name: string): Place {
  const isHidden = [...path.split('/').slice(0, -1), name].some((part) => part.startsWith('.'))
  const isUnaddressable = unaddressableReason(path + name) === 'dot-segment'
  return {
    kind: 'item',
    path,
    name,
    flags: (isHidden ? FLAG_HIDDEN : 0) + (isUnaddressable ? FLAG_UNADDRESSABLE : 0),
  }
}
