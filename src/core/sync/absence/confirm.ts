import {
  excludeItems,
  isAboveFloor,
  markMissing,
  removeItems,
  type Sighting,
  takeTicket,
} from '#core/catalog/catalog.ts'
import type { OpenDriver } from '#core/drivers/drivers.ts'
import { markDirty, observeKeys } from '#core/hints/hints.ts'
import type { CompiledPatterns } from '#core/patterns/patterns.ts'
import { releaseDataPoints } from '#core/quota/quota.ts'
import { type DbClient, type DbPool, withTransaction } from '#db/connect.ts'
import type { Deps } from '../../deps.ts'
import { holdRun } from '../queries.ts'
import type { ClaimedRun } from '../run.ts'
import { linkMoves } from './moves.ts'

/** Items confirmed at once; each chunk is one transaction. */
const CHUNK = 500

interface Candidate {
  readonly itemNo: string
  readonly place: number
  /** The new item with the same content, where a move was recognised. */
  readonly movedTo: string | null
  readonly path: string
  readonly name: string
}

/** Gives the absent items of a run their places in the order of keys, so that neighbours are confirmed by one listing. Once a run; repeating is harmless. */
export async function placeAbsences(client: DbClient, run: ClaimedRun): Promise<void> {
  await client.query(
    `update absence a set place = o.place
       from (select a.item_no, row_number() over (order by (d.path || i.name) collate "C") as place
               from absence a
               join item i on i.dataset_no = $2 and i.item_no = a.item_no
               join dir d on d.dataset_no = $2 and d.dir_no = i.dir_no
              where a.run_no = $1) o
      where a.run_no = $1 and a.item_no = o.item_no`,
    [run.runNo, run.datasetNo],
  )
}

/**
 * Reads again what a run's listing did not show, and marks what is really gone (or removes it, softly, in a reconcile). Answers false when it was
 * stopped before the end; whatever was confirmed stays.
 *
 * A ticket is taken before each read, and what somebody observed later is left alone; so is everything while a read is not well-formed. What is
 * there after all, or again, is read once more by the hints' resolver; what the dataset's patterns keep out is marked so.
 */
export async function confirmAbsences(
  deps: Deps,
  run: ClaimedRun,
  open: OpenDriver,
  patterns: CompiledPatterns | null,
  signal: AbortSignal,
  cost: { requests: number },
): Promise<boolean> {
  for (;;) {
    if (signal.aborted) return false
    const chunk = await nextChunk(deps.db, run)
    if (chunk.length === 0) return true
    const ticket = await takeTicket(deps.db)
    const keys = chunk.map(({ path, name }) => Buffer.from(open.prefix + path + name))
    const found = filesOf(chunk, await observeKeys(open, keys, signal, cost))
    await withTransaction(deps.db, async (tx) => {
      await holdRun(tx, run)
      // Another run of the source began meanwhile: the chunk is read again.
      if (!(await isAboveFloor(tx, run.sourceNo, ticket))) return
      const gone = chunk.filter((_, index) => found[index] === null)
      const there = chunk.filter((_, index) => found[index] !== null)
      const excluded = there.filter(({ path, name }) => patterns !== null && patterns.refusal(path + name) !== null)
      const back = there.filter((candidate) => !excluded.includes(candidate))
      const counts = { missing: 0, removed: 0, excluded: 0, moved: 0 }
      const target = { datasetNo: run.datasetNo, orgId: run.orgId, ticket, nowMs: deps.clock.now() }
      await markDirty(tx, run.sourceNo, keysOf(open, back))
      counts.moved = await linkMoves(tx, target, gone)
      const lost = gone.filter(({ movedTo }) => movedTo === null)
      if (run.options.reconcile !== true) {
        counts.missing = await markMissing(tx, target, numbersOf(lost))
        counts.excluded = await excludeItems(tx, target, numbersOf(excluded))
      }
      await settleChunk(tx, run, chunk)
      // Last, because data points are given back: their row is locked until the end.
      if (run.options.reconcile === true) {
        counts.removed += await removeItems(tx, target, numbersOf(lost), 'gone')
        counts.removed += await removeItems(tx, target, numbersOf(excluded), 'excluded')
      }
      await releaseDataPoints(tx, run.orgId, counts.moved)
      await addMarks(tx, run, counts)
    })
  }
}

/** What was read, as far as it is the items' files. An empty object whose key ends in a slash only marks a folder: the file that was there is gone. */
const filesOf = (chunk: readonly Candidate[], found: readonly (Sighting | null)[]) =>
  found.map((sighting, index) => (sighting?.sizeBytes === 0 && chunk[index]!.name.endsWith('/') ? null : sighting))

const numbersOf = (candidates: readonly Candidate[]) => candidates.map(({ itemNo }) => itemNo)
const keysOf = (open: OpenDriver, candidates: readonly Candidate[]) =>
  candidates.map(({ path, name }) => Buffer.from(open.prefix + path + name))

async function nextChunk(db: DbPool, run: ClaimedRun): Promise<Candidate[]> {
  const { rows } = await db.query<Candidate>(
    `select a.item_no::text as "itemNo", a.place, a.moved_to::text as "movedTo", d.path, i.name
       from absence a
       join item i on i.dataset_no = $2 and i.item_no = a.item_no
       join dir d on d.dataset_no = $2 and d.dir_no = i.dir_no
      where a.run_no = $1 and a.place is not null order by a.place limit $3`,
    [run.runNo, run.datasetNo, CHUNK],
  )
  return rows
}

async function settleChunk(tx: DbClient, run: ClaimedRun, chunk: readonly Candidate[]): Promise<void> {
  await tx.query('update absence set place = null where run_no = $1 and item_no = any($2::bigint[])', [
    run.runNo,
    numbersOf(chunk),
  ])
}

async function addMarks(
  tx: DbClient,
  run: ClaimedRun,
  counts: { readonly missing: number; readonly removed: number; readonly excluded: number; readonly moved: number },
): Promise<void> {
  await tx.query(
    `update sync_run
        set missing = missing + $2, removed = removed + $3, excluded = excluded + $4, moved = moved + $5, attempts = 0 where run_no = $1`,
    [run.runNo, counts.missing, counts.removed, counts.excluded, counts.moved],
  )
}
