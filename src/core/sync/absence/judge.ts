import type { ErrorCode } from '#contract/errors.ts'
import type { OpenDriver } from '#core/drivers/drivers.ts'
import { freeDataPoints } from '#core/quota/quota.ts'
import { type DbClient, withTransaction } from '#db/connect.ts'
import { grouped } from '#lib/grouped.ts'
import type { Deps } from '../../deps.ts'
import { noteUnseen } from '../compare/compare-by-name.ts'
import { type ClaimedRun, enterPhase } from '../run.ts'
import type { RunEnd } from '../run-end.ts'
import { noteMarked } from './absences.ts'
import { absentMax, type BrakeReason, brakeReason } from './brake.ts'
import { readMark } from './bucket-mark.ts'
import { placeAbsences } from './confirm.ts'
import { pairMoves } from './moves.ts'

/** Keys that are shown of what was not listed. */
const SAMPLE = 20

/** What a complete listing leads to: the run ends or parks, or goes on to confirm what was absent. */
export type Verdict =
  | { readonly kind: 'end'; readonly end: RunEnd; readonly report: Record<string, unknown> }
  | { readonly kind: 'goOn'; readonly run: ClaimedRun }

interface Tally {
  added: number
  changed: number
  unchanged: number
  returned: number
  over_quota: number
}

/** Decides what follows from a listing that has seen everything. Nothing was marked or removed so far. */
export async function judgeListing(
  deps: Deps,
  run: ClaimedRun,
  open: OpenDriver,
  settings: { readonly matchMoved: boolean },
): Promise<Verdict> {
  if (run.options.reconcile === true) await noteMarked(deps.db, run)
  if (open.storage.can.list_order !== 'utf8' && run.mode === 'compare') await noteUnseen(deps.db, run)
  const { rows } = await deps.db.query<Tally & { absent: number; set: string }>(
    `select r.*, a.absent, a.absent || '-' || to_hex(coalesce(a.hash, 0)) as set
       from sync_run r,
            (select count(*) as absent, bit_xor(hashint8extended(item_no, 0)) as hash from absence where run_no = $1) a
      where r.run_no = $1`,
    [run.runNo],
  )
  const tally = rows[0]!
  if (tally.over_quota > 0 && run.options.isFirst === true)
    return { kind: 'goOn', run: await enterPhase(deps.db, run, 'undoing') }
  const done: RunEnd = (await quotaEnd(deps, run)) ?? { state: 'success' }
  if (tally.absent === 0) return { kind: 'end', end: done, report: await planReport(deps, run, tally, []) }
  const isMarked = await readMark(deps, open)
  return withTransaction(deps.db, async (client) => {
    const moves = settings.matchMoved && run.options.dryRun !== true ? await pairMoves(client, run) : null
    const sample = await sampleAbsent(client, run)
    const absent = {
      count: tally.absent,
      set: tally.set,
      allowed: absentMax(tally.absent + tally.unchanged + tally.changed),
      sample,
      ...(moves && { moves: moves.pairs, uncertainMoves: moves.uncertain }),
    }
    const sighting = {
      itemsListed: tally.added + tally.changed + tally.unchanged + tally.returned + tally.over_quota,
      itemsSeen: tally.changed + tally.unchanged,
      itemsUnchanged: tally.unchanged,
      absent: tally.absent - (moves?.pairs ?? 0),
    }
    const reason = brakeReason(sighting, isMarked)
    if (run.options.dryRun === true) {
      const report = { ...(await planReport(deps, run, tally, sample)), absent: { ...absent, brake: reason } }
      return { kind: 'end', end: done, report }
    }
    if (reason !== null && run.options.approved !== tally.set) {
      return {
        kind: 'end',
        end: parkedEnd(reason, run, tally.absent),
        report: { absent: { ...absent, brake: reason } },
      }
    }
    await placeAbsences(client, run)
    await client.query('update sync_run set report = report || $2::jsonb where run_no = $1', [
      run.runNo,
      JSON.stringify({ absent: { ...absent, brake: null } }),
    ])
    return { kind: 'goOn', run: await enterPhase(client, run, 'confirming') }
  })
}

const words: Record<BrakeReason, string> = {
  'empty-bucket': 'The storage lists no file at all any more',
  'too-many-missing': 'Unusually many files are gone',
  'other-bucket': 'The bucket does not carry this driver’s mark: it may be another one of the same name',
}

function parkedEnd(reason: BrakeReason, run: ClaimedRun, count: number): RunEnd {
  const what = run.options.reconcile === true ? 'removed' : 'marked missing'
  const code: ErrorCode = 'sync.parked'
  return {
    state: 'parked',
    code,
    message: `${words[reason]}: ${grouped(count)} items would be ${what}. Nothing was marked. Look at the sample, then approve exactly this, or sync again.`,
  }
}

/** The end of a run that met more new files than there were data points; null when there were enough. */
export async function quotaEnd(deps: Deps, run: ClaimedRun): Promise<RunEnd | null> {
  const { rows } = await deps.db.query<{ added: number; over_quota: number }>(
    'select added, over_quota from sync_run where run_no = $1',
    [run.runNo],
  )
  const { added, over_quota: refused } = rows[0]!
  if (refused === 0) return null
  const free = (await freeDataPoints(deps.db, run.orgId)) ?? 0
  const advice = 'Raise the organization’s quota or free data points, then sync again.'
  return {
    state: 'failed',
    code: 'quota.exceeded',
    message:
      run.options.isFirst === true
        ? `The folder has ${grouped(added + refused)} files, which need as many data points; ${grouped(free)} are free. Nothing was added. ${advice}`
        : `${grouped(refused)} new files were not added: they need as many data points, and ${grouped(free)} are free. All else is up to date. ${advice}`,
  }
}

async function sampleAbsent(client: DbClient, run: ClaimedRun): Promise<string[]> {
  const { rows } = await client.query<{ path: string }>(
    `select '/' || d.path || i.name as path
       from (select item_no from absence where run_no = $1 order by item_no limit $3) a
       join item i on i.dataset_no = $2 and i.item_no = a.item_no
       join dir d on d.dataset_no = $2 and d.dir_no = i.dir_no`,
    [run.runNo, run.datasetNo, SAMPLE],
  )
  return rows.map((row) => row.path)
}

/** What a plan tells besides the run's counters: reasons of skipped keys, and the data points it would need. */
async function planReport(
  deps: Deps,
  run: ClaimedRun,
  tally: Tally,
  sample: readonly string[],
): Promise<Record<string, unknown>> {
  if (run.options.dryRun !== true) return {}
  const { rows } = await deps.db.query<{ reason: string; count: number; sample: string[] }>(
    `select reason, count(*) as count, (array_agg(encode(key, 'escape') order by key))[1:5] as sample
       from skipped where dataset_no = $1 and run_no = $2 group by reason order by reason`,
    [run.datasetNo, run.runNo],
  )
  return {
    skipped: rows,
    dataPoints: { needed: tally.added, free: await freeDataPoints(deps.db, run.orgId) },
    ...(sample.length > 0 && { missingSample: sample }),
  }
}
