import { type Logger as GraphileLogger, Logger, type Runner, run, runMigrations, type TaskList } from 'graphile-worker'
import type { Pool } from 'pg'
import type { EnqueueOptions, Job, Queue } from './queue.ts'

/** Puts jobs into graphile-worker's tables by its SQL function, in whatever transaction the caller has. Source: https://worker.graphile.org/docs/sql-add-job */
export const graphileQueue: Queue = {
  async enqueue(tx, job, payload, options: EnqueueOptions = {}) {
    await tx.query(
      `select graphile_worker.add_job($1, payload := $2::json, job_key := $3, run_at := now() + make_interval(secs => $4::float8), max_attempts := $5,
                                      job_key_mode := $6)`,
      [
        job,
        JSON.stringify(payload),
        options.key ?? null,
        (options.delayMs ?? 0) / 1000,
        options.attemptMax ?? 25,
        options.keepsTurn ? 'preserve_run_at' : 'replace',
      ],
    )
  },
}

/** Makes or upgrades the queue's own tables; safe to call at every start. */
export async function migrateQueue(pool: Pool): Promise<void> {
  await runMigrations({ pgPool: pool, logger: silent })
}

/** Workers of this process; `stop()` tells running jobs to save their state and waits for them. */
export interface Workers {
  stop(): Promise<void>
}

/**
 * Starts working on jobs.
 *
 * Throws when two jobs have one name. At most `concurrency` at once. A job that throws is tried again by the queue with growing delays.
 */
export async function startWorkers<Deps>(options: {
  pool: Pool
  deps: Deps
  jobs: readonly Job<Deps, never>[]
  concurrency: number
  onError(job: string, error: unknown): void
}): Promise<Workers> {
  const stopping = new AbortController()
  const tasks: TaskList = {}
  for (const job of options.jobs) {
    if (tasks[job.name]) throw new Error(`two jobs are called ${job.name}`)
    tasks[job.name] = async (payload) => {
      try {
        await job.run(options.deps, payload as never, { signal: stopping.signal })
      } catch (error) {
        options.onError(job.name, error)
        throw error
      }
    }
  }
  const runner: Runner = await run({
    pgPool: options.pool,
    taskList: tasks,
    concurrency: options.concurrency,
    noHandleSignals: true,
    // Jobs come with a notification; polling only catches what a lost connection missed.
    pollInterval: 2000,
    logger: silent,
  })
  return {
    async stop() {
      stopping.abort()
      await runner.stop()
    },
  }
}

const silent: GraphileLogger = new Logger(() => () => {})
