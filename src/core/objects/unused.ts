import type { Deps } from '#core/deps.ts'
import type { Db } from '#db/connect.ts'
import { platformStore, sweepIncoming } from './platform-store.ts'

/** How long nobody may have referred to an object before it is removed; a clone that is being made may still need it. */
const GRACE_MS = 3_600_000
/** Objects removed in one request of the store. */
const BATCH = 500

/**
 * Notes a key before its object is written, so that an upload that never comes to an item leaves no object behind for good. In a statement of its own, which does
 * not wait for the disk: after a crash of the database's machine at most an object too many is left. That something refers to the key by then is found out before
 * anything is removed.
 */
export async function noteUnused(db: Db, key: string): Promise<void> {
  await db.query(
    `insert into unused_object (object_key)
     select $1 from (select set_config('synchronous_commit', 'off', true)) here on conflict do nothing`,
    [key],
  )
}

/**
 * For the clockwork: removes objects of the platform's store that no item, removed item included, has referred to for an hour. Answers how many.
 *
 * Keys come to `unused_object` by a trigger when a row that refers to one goes (0014_uploads.sql); whether it was the last is asked here. Only the platform's own
 * store is ever touched.
 */
export async function sweepObjects(deps: Deps, signal: AbortSignal, graceMs = GRACE_MS): Promise<number> {
  await sweepIncoming(deps)
  let swept = 0
  while (!signal.aborted) {
    const { rows } = await deps.db.query<{ key: string; used: boolean }>(
      `select u.object_key as key,
              exists (select 1 from item i where i.object_key = u.object_key) or exists (select 1 from removed r where r.object_key = u.object_key)
                or exists (select 1 from export_part p where p.object_key = u.object_key) as used
         from unused_object u where u.since <= to_timestamp($1::float8 / 1000) order by u.since limit $2`,
      [deps.clock.now() - graceMs, BATCH],
    )
    if (rows.length === 0) return swept
    const unused = rows.filter((row) => !row.used).map((row) => row.key)
    const failed = await removeObjects(deps, unused, signal)
    const done = rows.map((row) => row.key).filter((key) => !failed.has(key))
    await deps.db.query('delete from unused_object where object_key = any($1::text[])', [done])
    // Put back to the end: they are tried again, and do not stand in the way of others.
    await deps.db.query('update unused_object set since = now() where object_key = any($1::text[])', [[...failed]])
    swept += unused.length - failed.size
  }
  return swept
}

async function removeObjects(deps: Deps, keys: readonly string[], signal: AbortSignal): Promise<Set<string>> {
  const failed = new Set<string>()
  if (keys.length === 0) return failed
  const { storage, prefix } = await platformStore(deps)
  const outcomes = await storage.remove(
    keys.map((key) => `${prefix}${key}`),
    { signal },
  )
  for (const outcome of outcomes) {
    if (outcome.ok) continue
    failed.add(outcome.key.slice(prefix.length))
    deps.log.warn({ err: outcome.error }, 'an unused object could not be removed')
  }
  return failed
}
