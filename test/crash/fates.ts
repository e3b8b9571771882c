// What becomes of every path that an index knew or a bucket holds, worked out from the two alone.
import { createHash } from 'node:crypto'
import type { Index, IndexRow } from './index-rows.ts'
import type { Oracle, OracleItem } from './oracle.ts'

/**
 * What a sync makes of a path. `kept`: not touched. `returned`: it was missing. `restored`: it was removed, and its number and metadata are back.
 * `removed`: taken out by a reconcile.
 */
export type Fate = 'kept' | 'added' | 'changed' | 'returned' | 'restored' | 'missing' | 'removed' | 'stays removed'

/** Works out the fate of every path. */
export function fatesOf(oracle: Oracle, before: Index, reconciles: boolean): Map<string, Fate> {
  const fates = new Map<string, Fate>()
  for (const [path, item] of oracle.items) {
    const old = before.items.get(path)
    if (old === undefined) fates.set(path, before.removed.has(path) ? 'restored' : 'added')
    else if (old.state !== 0) fates.set(path, 'returned')
    else fates.set(path, isSame(old, item) ? 'kept' : 'changed')
  }
  for (const [path, old] of before.items) {
    if (fates.has(path)) continue
    if (reconciles) fates.set(path, 'removed')
    else fates.set(path, old.state !== 0 ? 'kept' : 'missing')
  }
  for (const path of before.removed.keys()) if (!fates.has(path)) fates.set(path, 'stays removed')
  return fates
}

/** Columns of an item that the storage decides. */
export function seenColumns({ folder, name, object, type, flags }: OracleItem) {
  return {
    folder,
    name,
    type,
    flags,
    size_bytes: object.bytes.length,
    modified_ms: object.modifiedMs,
    etag: createHash('md5').update(object.bytes).digest('hex'),
  }
}

/** Flag that says that a file's content has changed; ours, not the storage's. */
const CHANGED = 8

/** Whether a stored row says what the storage says. */
function isSame(old: IndexRow, item: OracleItem): boolean {
  const is = { ...old, flags: old.flags & ~CHANGED }
  return Object.entries(seenColumns(item)).every(([column, value]) => is[column as keyof IndexRow] === value)
}
