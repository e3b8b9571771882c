import { MediaTypes } from '#core/catalog/catalog.ts'
import type { OpenDriver } from '#core/drivers/drivers.ts'
import type { CompiledPatterns } from '#core/patterns/patterns.ts'
import type { DbClient } from '#db/connect.ts'
import { StorageError } from '#storage/storage-error.ts'
import { type WalkRange, walk } from '#storage/walk/walk.ts'
import type { Deps } from '../deps.ts'
import { findFolders } from './queries.ts'
import { FolderTree } from './rows/folder.ts'
import { Ingest } from './rows/ingest.ts'
import { type ClaimedRun, loadRanges } from './run.ts'
import { sampleKeys } from './sample.ts'

/** How often progress is told. */
const TICK_MS = 1_000

/** What the listing of a slice is given. */
export interface ListingOptions {
  readonly run: ClaimedRun
  readonly open: OpenDriver
  readonly patterns: CompiledPatterns | null
  /** Connections of its own, as many as batches are to be under way at once. */
  readonly clients: readonly DbClient[]
  readonly signal: AbortSignal
  readonly cost: { requests: number }
  onStopAsked(): void
  /** Told about once a second how many entries this slice has listed. */
  onProgress(listed: number): void
}

/** Lists and commits until everything of the run's ranges is in the dataset. What was listed before a storage fails, or the signal aborts, is committed. */
export async function listAll(deps: Deps, options: ListingOptions): Promise<void> {
  const { run, open, signal, cost, clients } = options
  const ranges = await openRanges(deps, run, open)
  const prefixBytes = Buffer.byteLength(open.prefix)
  const isOrdered = open.storage.can.list_order === 'utf8'
  const ingest = new Ingest({
    // Without order a folder may be met in two batches at once: one after the other then, so that each knows what the last one made.
    clients: isOrdered ? clients : clients.slice(0, 1),
    clock: deps.clock,
    foreground: deps.foreground,
    tree: await openTree(deps, run.datasetNo, ranges, prefixBytes, !isOrdered),
    target: {
      runNo: run.runNo,
      fence: run.fence,
      datasetNo: run.datasetNo,
      sourceNo: run.sourceNo,
      orgId: run.orgId,
      ticket: run.ticket,
      folder: Buffer.from(open.prefix),
      mode: run.mode,
      writes: run.options.dryRun === true ? 'nothing' : run.phase === 'counting' ? 'known' : 'all',
      isOrdered,
      isForced: run.options.forceRescan === true,
    },
    datasetNo: run.datasetNo,
    ticket: run.ticket,
    folderBytes: prefixBytes,
    types: await MediaTypes.load(deps.db),
    patterns: options.patterns,
    ranges,
    onStopAsked: options.onStopAsked,
  })
  const ticker = setInterval(() => options.onProgress(ingest.listed), TICK_MS)
  try {
    await walk({
      storage: open.storage,
      prefix: open.prefix,
      ranges,
      marks: run.mode === 'compare' && isOrdered ? await sampleKeys(deps.db, run.datasetNo, open.prefix) : [],
      connectionsMax: deps.config.listConnections,
      mayListBelow: open.driver.report?.capabilities.list_below ?? false,
      signal,
      cost,
      onPage: (range, page, reach) => ingest.takePage(range, page, reach),
      onRange: (range) => ingest.noteRange(range),
    })
    await ingest.drain()
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    // What was taken before the storage failed or we were stopped is good: keep it.
    await ingest.drain()
    throw error
  } finally {
    clearInterval(ticker)
  }
}

async function openRanges(deps: Deps, run: ClaimedRun, open: OpenDriver): Promise<WalkRange[]> {
  const none = Buffer.alloc(0)
  const whole: WalkRange = { no: 1, from: none, to: null, cursor: none, isDone: false, keys: 0 }
  const ranges = await loadRanges(deps.db, run.runNo)
  if (ranges.length === 0) return [whole]
  if (ranges.every((range) => range.isDone)) return ranges
  // Where a listing cannot begin at a key, it begins anew, and so does what it says about the keys.
  const { can } = open.storage
  return can.list_after && can.list_order === 'utf8' ? ranges : [whole]
}

/** The folders at which ranges meet, with the numbers of those that exist. */
async function openTree(
  deps: Deps,
  datasetNo: number,
  ranges: readonly WalkRange[],
  prefixBytes: number,
  keepsAll: boolean,
): Promise<FolderTree> {
  const tree = new FolderTree(deps.config.hiddenFolder, keepsAll)
  for (const range of ranges.filter(({ isDone }) => !isDone))
    for (const key of [range.from, range.cursor, range.to])
      if (key !== null && key.length > prefixBytes) tree.share(key.toString('utf8', prefixBytes), [])
  const shared = [...tree.shared()]
  if (shared.length === 0) return tree
  const known = await findFolders(
    deps.db,
    datasetNo,
    shared.map((folder) => folder.path),
  )
  for (const folder of shared) folder.no = known.get(folder.path) ?? 0
  return tree
}
