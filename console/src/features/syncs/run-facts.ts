import type { SyncRun } from '#contract/syncs.ts'
import { isWorking } from '../../app/sync-state.ts'

/** What kind of sync a run is, for people. */
export type RunKind = 'first' | 'sync' | 'plan' | 'reconcile' | 'reconcilePlan' | 'forceRescan' | 'applied'

/** The kind of a run by what it was asked for; a plan stays one, whatever else it is. */
export function kindOf({ options, report }: Pick<SyncRun, 'options' | 'report'>): RunKind {
  if (options.dryRun === true) return options.reconcile === true ? 'reconcilePlan' : 'plan'
  if (options.reconcile === true) return 'reconcile'
  if (options.isFirst === true) return 'first'
  if (options.forceRescan === true) return 'forceRescan'
  // What a parked run was approved for stands in its own report.
  const isOwnSet = options.approved !== undefined && options.approved === report.absent?.set
  return options.approved !== undefined && !isOwnSet ? 'applied' : 'sync'
}

/** The counts of a run; of a plan also what it would mark or remove, which its own counters leave out because nothing was marked. */
export function countsOf({
  options,
  report,
  counts,
}: Pick<SyncRun, 'options' | 'report' | 'counts'>): SyncRun['counts'] {
  if (options.dryRun !== true || report.absent == null) return counts
  const name = options.reconcile === true ? 'removed' : 'missing'
  return { ...counts, [name]: Math.max(counts[name], report.absent.count) }
}

/** Whether a run keeps its place: it works, or it goes on when somebody lets it. */
export function isOpen(run: Pick<SyncRun, 'state'>): boolean {
  return isWorking(run) || run.state === 'paused' || run.state === 'parked'
}

/** What a run that is parked waits for. */
export type Waiting = 'approval' | 'storage' | null

/** What a run waits for: somebody who approves what is gone, or credentials that work; null when it is not parked. */
export function waitingFor({ state, errorCode }: Pick<SyncRun, 'state' | 'errorCode'>): Waiting {
  if (state !== 'parked') return null
  return errorCode === 'sync.parked' ? 'approval' : 'storage'
}

/** Seconds that a run took, or has taken until `nowMs`; null before it began. */
export function secondsOf(
  { startedAt, finishedAt }: Pick<SyncRun, 'startedAt' | 'finishedAt'>,
  nowMs: number,
): number | null {
  if (startedAt === null) return null
  const endMs = finishedAt === null ? nowMs : Date.parse(finishedAt)
  return Math.max(0, (endMs - Date.parse(startedAt)) / 1000)
}

/** How many files were listed at a moment. */
export interface Sample {
  readonly atMs: number
  readonly listed: number
}

/** Samples older than this say nothing about the present. */
const WINDOW_MS = 15_000

/** The samples with a new one; those that are too old leave, except that one of them is kept to measure from. */
export function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = samples.at(-1)
  // A run that begins anew is measured anew.
  if (last !== undefined && sample.listed < last.listed) return [sample]
  const firstFresh = samples.findIndex(({ atMs }) => atMs >= sample.atMs - WINDOW_MS)
  const kept = firstFresh < 0 ? samples.slice(-1) : samples.slice(Math.max(0, firstFresh - 1))
  return [...kept, sample]
}

/** Files a second over the samples; null while two moments are lacking. */
export function rateOf(samples: readonly Sample[]): number | null {
  const first = samples[0]
  const last = samples.at(-1)
  if (first === undefined || last === undefined || last.atMs - first.atMs < 500) return null
  return ((last.listed - first.listed) * 1000) / (last.atMs - first.atMs)
}

/**
 * How far a listing is: percent and seconds left, by how many items the dataset has. Null where that tells nothing: in a first sync, and when
 * more is listed than was there.
 */
export function paceOf(
  run: Pick<SyncRun, 'options' | 'counts' | 'phase'>,
  itemsKnown: number,
  rate: number | null,
): { percent: number | null; secondsLeft: number | null } {
  const left = itemsKnown - run.counts.listed
  if (run.options.isFirst === true || run.phase !== 'listing' || left <= 0) return { percent: null, secondsLeft: null }
  return {
    percent: Math.floor((100 * run.counts.listed) / itemsKnown),
    secondsLeft: rate === null || rate <= 0 ? null : Math.ceil(left / rate),
  }
}

/** What is needed to know whether a sync can be started. */
export interface Startable {
  readonly driver: string | null
  readonly readableType: string
  readonly readonly: boolean
  readonly isSyncing: boolean
}

/** Why no sync can be started, as a key of the words; null when one can. A parked one is given up for a new one. */
export function refusalOf(
  dataset: Startable,
  isDeveloper: boolean,
  runs: readonly Pick<SyncRun, 'state'>[],
): 'needsDeveloper' | 'notExternal' | 'notMaster' | 'isReadonly' | 'isRunning' | null {
  if (!isDeveloper) return 'needsDeveloper'
  if (dataset.readableType !== 'master') return 'notMaster'
  if (dataset.driver === null) return 'notExternal'
  if (dataset.readonly) return 'isReadonly'
  return runs.some((run) => isOpen(run) && run.state !== 'parked') ? 'isRunning' : null
}
