import { once } from 'node:events'
import pgCopy from 'pg-copy-streams'
import type { DbClient } from '#db/connect.ts'
import type { WalkRange } from '#storage/walk/walk.ts'
import type { Batch } from './batch.ts'
import type { FolderDelta } from './folder.ts'
import type { NumberStock } from './numbers.ts'
import {
  addToFolders,
  addToRun,
  findFolders,
  insertFolders,
  insertSkipped,
  mergeStage,
  prepareStage,
  saveRanges,
} from './queries.ts'
import { COPY_HEADER, COPY_TRAILER, ROW_COLUMNS } from './row-buffer.ts'

/** The run a batch belongs to, as far as writing it is concerned. */
export interface CommitTarget {
  readonly runNo: number
  readonly fence: number
  readonly datasetNo: number
  /**
   * `load`: the dataset is empty, so every key is new and rows go straight into the table (COPY, 170 to 190 k rows/s measured).
   * `merge`: rows go through a temporary table and only differences are written; needs no order of keys.
   */
  readonly mode: 'load' | 'merge'
  readonly nowMs: number
}

/** What a batch came to. */
export interface Committed {
  readonly added: number
  readonly changed: number
  readonly unchanged: number
  readonly isCancelAsked: boolean
}

/** The database says that keys of a `load` are there already (an upload came in between): the run has to go on as a `merge`. */
export class NotEmpty extends Error {}

/** A batch whose rows are in a transaction that is not committed yet. */
export interface CopiedBatch {
  /** Writes counters, cursors and the run's numbers, and commits. Rolls everything back when it throws. */
  settle(progress: number): Promise<Committed>
  /** Gives the transaction up. */
  drop(): Promise<void>
}

/**
 * Sends a batch's rows to the database and leaves its transaction open: items, new folders, counters, skipped keys, the ranges' cursors and the
 * run's counters become true together with `settle`, so that a crash repeats or loses nothing.
 *
 * In two steps, so that the next batch's rows are sent while this one is settled; batches must be settled in their order. `settle` throws
 * `LeaseLost` when another worker has the run; both throw `NotEmpty` when a load met rows.
 */
export async function copyBatch(
  client: DbClient,
  target: CommitTarget,
  batch: Batch,
  { fresh, known }: NumberedFolders,
  ranges: readonly WalkRange[],
): Promise<CopiedBatch> {
  const guard = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      await client.query('rollback')
      if (target.mode === 'load' && (error as { code?: string }).code === '23505')
        throw new NotEmpty('The dataset is not empty.', { cause: error })
      throw error
    }
  }
  await client.query('begin')
  await guard(async () => {
    if (target.mode === 'merge') await prepareStage(client)
    if (batch.rows.rows > 0) await copyRows(client, target.mode === 'load' ? 'item' : 'pg_temp.stage', batch)
  })
  batch.rows.release()
  const settle = (progress: number) =>
    guard(async () => {
      const merged = target.mode === 'load' ? loaded(batch) : await mergeRows(client, target, batch)
      await insertFolders(client, target.datasetNo, fresh)
      await addToFolders(client, target.datasetNo, known)
      await insertSkipped(client, target, batch.skipped)
      await saveRanges(client, target.runNo, ranges)
      const isCancelAsked = await addToRun(client, { ...target, progress }, { ...batch.counts, ...merged })
      await client.query('commit')
      return { ...merged, isCancelAsked }
    })
  return { settle, drop: async () => void (await client.query('rollback')) }
}

/** A batch's folders: those that it makes, and those that exist or are made by a batch before it. */
export interface NumberedFolders {
  readonly fresh: readonly FolderDelta[]
  readonly known: readonly FolderDelta[]
}

/** Gives every folder and row of the batch its number. One batch at a time and in order: what is new in one is known to the next. */
export async function numberBatch(
  client: DbClient,
  target: CommitTarget,
  numbers: NumberStock,
  batch: Batch,
): Promise<NumberedFolders> {
  const unknown = batch.deltas.filter((delta) => delta.folder.no === 0)
  if (target.mode === 'merge' && unknown.length > 0) {
    const found = await findFolders(
      client,
      target.datasetNo,
      unknown.map((delta) => delta.folder.path),
    )
    for (const { folder } of unknown) folder.no = found.get(folder.path) ?? 0
  }
  const known = batch.deltas.filter((delta) => delta.folder.no !== 0)
  const fresh = unknown.filter((delta) => delta.folder.no === 0)
  if (batch.rows.rows > 0) {
    const { firstItemNo, firstDirNo } = await numbers.take(client, target, batch.rows.rows, fresh.length)
    fresh.forEach((delta, index) => {
      delta.folder.no = firstDirNo + index
    })
    batch.rows.number(firstItemNo, (place) => batch.deltas[place]!.folder.no)
  }
  return { fresh, known }
}

async function copyRows(client: DbClient, table: string, batch: Batch): Promise<void> {
  const stream = client.query(pgCopy.from(`copy ${table} (${ROW_COLUMNS}) from stdin (format binary)`))
  // An error (a key that is there already) ends the stream: it must reject here and not as an uncaught event.
  const ended = once(stream, 'finish')
  ended.catch(() => {})
  stream.write(COPY_HEADER)
  for (const chunk of batch.rows.chunks()) if (!stream.write(chunk)) await Promise.race([once(stream, 'drain'), ended])
  stream.end(COPY_TRAILER)
  await ended
}

interface Merged {
  readonly added: number
  readonly changed: number
  readonly unchanged: number
}

/** In a load every row is new: the counters are what the encoder counted. */
function loaded(batch: Batch): Merged {
  sumDeep(batch.deltas)
  return { added: batch.counts.items, changed: 0, unchanged: 0 }
}

/** In a merge the counters follow from what was really written. */
async function mergeRows(client: DbClient, target: CommitTarget, batch: Batch): Promise<Merged> {
  for (const delta of batch.deltas) delta.items = delta.bytes = 0
  if (batch.rows.rows === 0) return { added: 0, changed: 0, unchanged: 0 }
  const byNo = new Map(batch.deltas.map((delta) => [delta.folder.no, delta]))
  const { added, changed, deltas } = await mergeStage(client, target.datasetNo, target.nowMs)
  for (const written of deltas) {
    const delta = byNo.get(written.dirNo)!
    delta.items += written.items
    delta.bytes += written.bytes
  }
  sumDeep(batch.deltas)
  return { added, changed, unchanged: batch.counts.items - added - changed }
}

function sumDeep(deltas: readonly FolderDelta[]): void {
  for (const delta of deltas) {
    if (delta.items === 0 && delta.bytes === 0) continue
    for (let at: FolderDelta | null = delta; at !== null; at = at.parent) {
      at.deepItems += delta.items
      at.deepBytes += delta.bytes
    }
  }
}
