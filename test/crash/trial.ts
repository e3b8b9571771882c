// One trial: workers that die, a worker that ends the run, and everything that must be true in between and after.
import type { DbPool } from '#db/connect.ts'
import { differences } from './compare.ts'
import { contradictions, readIndex } from './index-rows.ts'
import type { Death } from './kill-at.ts'
import { type Lane, runInPeace, type TrialDatabase, waitFor } from './lane.ts'
import { type Listed, type Loss, type SavedRange, seams } from './pages.ts'
import { type KillPoint, startWorker, type WorkerProcess } from './worker-process.ts'

/** What came of a trial. */
export interface Outcome {
  /** How each of the killed workers died; null where the signal came from outside. */
  readonly deaths: readonly (Death['killed'] | null)[]
  readonly losses: readonly Loss[]
  /** What was not as it must be; empty is good. */
  readonly wrong: readonly string[]
  readonly tookMs: number
}

/** Lets a worker begin the run and die at a point of its own, and another end it. */
export async function dieAt(lane: Lane, point: KillPoint): Promise<Outcome> {
  return trial(lane, async (round, database) => {
    if (round > 0) return null
    return startWorker(lane.settings(database.url), point)
  })
}

/** Lets workers begin the run and be killed from outside, one after the other, each when `when` resolves, and at last one end it. */
export async function dieWhen(
  lane: Lane,
  kills: number,
  when: (round: number, database: TrialDatabase, worker: WorkerProcess) => Promise<void>,
): Promise<Outcome> {
  return trial(lane, async (round, database) => {
    if (round >= kills) return null
    const worker = startWorker(lane.settings(database.url), null)
    void when(round, database, worker).then(() => worker.kill('SIGKILL'))
    return worker
  })
}

type NextVictim = (round: number, database: TrialDatabase) => Promise<WorkerProcess | null>

async function trial(lane: Lane, nextVictim: NextVictim): Promise<Outcome> {
  const sinceMs = Date.now()
  const database = await lane.clone()
  const { pool } = database
  const trialState = { deaths: [] as Outcome['deaths'][number][], losses: [] as Loss[], wrong: [] as string[] }
  lane.restoreBucket()
  lane.takeListed()
  let listings = 0
  let saved: SavedRange[] = []
  const note = (asked: readonly Listed[]) => {
    listings += asked.length
    for (const after of lane.listing.needless(asked, saved))
      trialState.wrong.push(`the page after ${JSON.stringify(after)} was committed and is listed again`)
  }
  try {
    for (let round = 0; ; round++) {
      const victim = await nextVictim(round, database)
      if (victim === null) break
      await waitFor('a death', async () => victim.hasEnded() || (await lane.isDone(pool)))
      // The point may lie behind the run's end, or not be there this time.
      if (!victim.hasEnded()) victim.kill('SIGKILL')
      const { death, log } = await victim.ended
      if (log !== '') trialState.wrong.push(`the killed worker wrote ${log}`)
      trialState.deaths.push(death)
      await waitFor('the end of its connections', async () => (await others(pool)) === 0)
      trialState.wrong.push(...contradictions(await readIndex(pool, lane.datasetNo)))
      const asked = lane.takeListed()
      note(asked)
      if (await lane.isDone(pool)) break
      saved = await readRanges(pool, lane.runNo)
      trialState.wrong.push(...seams(saved))
      trialState.losses.push(lane.listing.loss(lane.isHinted ? [] : asked, saved))
      await letTimePass(pool)
    }
    if (!(await lane.isDone(pool))) {
      const { log } = await runInPeace({ ...lane.settings(database.url), sliceMs: undefined }, 'the end', () =>
        lane.isDone(pool),
      )
      if (log !== '') trialState.wrong.push(`the last worker wrote ${log}`)
      note(lane.takeListed())
    }
    const { datasetNo, runNo, oracle, before, reconciles } = lane
    trialState.wrong.push(
      ...(await differences(pool, {
        isHinted: lane.isHinted,
        isSliced: lane.scenario.sliceMs !== undefined,
        datasetNo,
        runNo,
        oracle,
        before,
        reconciles,
        sinceMs,
        untilMs: Date.now(),
        listings,
      })),
    )
  } catch (error) {
    trialState.wrong.push(`${String(error)}; ${JSON.stringify(trialState.deaths)}; ${await describeWork(pool)}`)
  }
  await database.drop()
  return { ...trialState, tookMs: Date.now() - sinceMs }
}

/** Connections besides ours: a statement that the dead worker had sent is still worked on. */
async function others(pool: DbPool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `select count(*) as n from pg_stat_activity where datname = current_database() and application_name <> 'crash test'`,
  )
  return rows[0]!.n
}

/** What there was to do, for whoever has to find out why nobody did it. */
async function describeWork(pool: DbPool): Promise<string> {
  const { rows } = await pool.query<{ told: string }>(`
    select jsonb_build_object(
      'now', now(),
      'runs', (select jsonb_agg(r) from (select state, phase, mode, attempts, error, lease_until, fence from sync_run order by run_no desc limit 1) r),
      'jobs', (select jsonb_agg(j) from (select task_id, key, run_at, locked_at, locked_by, attempts, last_error, is_available from graphile_worker._private_jobs) j)
    )::text as told`)
  return rows[0]!.told
}

async function readRanges(pool: DbPool, runNo: number): Promise<SavedRange[]> {
  const { rows } = await pool.query<{ from_key: Buffer; to_key: Buffer | null; cursor: Buffer; is_done: boolean }>(
    'select from_key, to_key, cursor, is_done from sync_range where run_no = $1',
    [runNo],
  )
  return rows.map((row) => ({
    from: row.from_key.toString('latin1'),
    to: row.to_key?.toString('latin1') ?? null,
    cursor: row.cursor.toString('latin1'),
    isDone: row.is_done,
  }))
}

/** A minute passes: leases run out, and jobs that were put off are due. Jobs that the dead worker held stay its own, as the queue keeps them for hours. */
async function letTimePass(pool: DbPool): Promise<void> {
  await pool.query(`
    update sync_run set lease_until = lease_until - interval '1 minute', due_at = due_at - interval '1 minute';
    update dirty set lease_until = lease_until - interval '2 minutes', not_before = not_before - interval '2 minutes';
    update graphile_worker._private_jobs set run_at = run_at - interval '1 minute', locked_at = locked_at - interval '1 minute'`)
}
