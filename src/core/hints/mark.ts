import type { Db } from '#db/connect.ts'

/**
 * Marks keys of a source as to be read again, in the caller's transaction. A hint, never a fact: whatever the hint said is forgotten, the storage is
 * asked. A key that is marked already gets the newer mark, so that an answer read before it does not clear it. `removes`: an event said that the file
 * is gone, so if that is true the item goes; otherwise it is marked missing.
 */
export async function markDirty(tx: Db, sourceNo: number, keys: readonly Buffer[], removes = false): Promise<void> {
  if (keys.length === 0) return
  // In the order of the index: two writers then never wait for each other in a circle.
  await tx.query(
    `insert into dirty (source_no, key_sha256, key, marked, removes)
     select $1, k.hash, k.key, nextval('ticket'), $3 from (select distinct sha256(key) as hash, key from unnest($2::bytea[]) key order by 1) k
     on conflict (source_no, key_sha256) do update set marked = excluded.marked, not_before = null, attempts = 0,
        removes = dirty.removes or excluded.removes`,
    [sourceNo, [...keys], removes],
  )
}
