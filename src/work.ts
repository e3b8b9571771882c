import { constants, setPriority } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { Config } from '#config/config.ts'
import { noForeground } from '#lib/foreground.ts'
import { openDeps } from './deps.ts'
import { startJobs } from './jobs/jobs.ts'

/** Background work that runs. */
export interface Work {
  /** Tells running jobs to save their state, waits for them, and closes what they had open. */
  stop(): Promise<void>
}

/** One connection to be told of jobs; a sync writes through three and keeps its lease through another, and four may run at once. */
const CONNECTIONS_MAX = 20

/** Does the background work in this thread: for `sluice work`, and for the thread beside the server. */
export async function startWork(
  config: Config,
  databaseUrl: string,
  log: Logger,
  foreground = noForeground,
): Promise<Work> {
  const opened = await openDeps({
    config,
    databaseUrl,
    log,
    connectionsMax: CONNECTIONS_MAX,
    applicationName: 'sluice work',
    foreground,
  })
  const jobs = await startJobs(opened.deps)
  return {
    async stop() {
      await jobs.stop()
      await opened.close()
    },
  }
}

/** What the thread is told, besides the environment that it reads itself: settings that were chosen, not read. */
export interface WorkThreadData {
  readonly databaseUrl: string
  /** Where the server beside it listens. */
  readonly port: number
  readonly egress: Config['egress']
  readonly dataDir: string
  readonly logFd: number
  readonly logLevel: string
  /** What `measureForeground` fills. */
  readonly foreground: SharedArrayBuffer
}

const RESTART_MS = 1_000
/**
 * Room for short-lived objects of the thread, in MiB. A sync makes little garbage that lives; with V8's usual 48 the process peaked at 330 MB on a
 * sync of 1 M objects, with 6 at 240 MB, at the same speed.
 */
const YOUNG_MB_MAX = 6

/**
 * Does the background work in a thread of its own, so that a sync that keeps a core busy does not delay the API's answers.
 *
 * A thread that fails is started again: jobs carry on from their last committed state. `stop` waits at most `patienceMs`.
 */
export function startWorkThread(data: WorkThreadData, log: Logger): { stop(patienceMs: number): Promise<void> } {
  let isStopping = false
  let restart: NodeJS.Timeout | undefined
  const start = (): Worker => {
    const thread = new Worker(new URL('./work-thread.ts', import.meta.url), {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB_MAX },
    })
    thread.on('error', (error) => log.error({ err: error }, 'the background work failed; starting it again'))
    thread.once('exit', () => {
      if (isStopping) return
      restart = setTimeout(() => (current = start()), RESTART_MS)
    })
    return thread
  }
  let current = start()
  return {
    async stop(patienceMs) {
      isStopping = true
      clearTimeout(restart)
      if (current.threadId === -1) return
      const ended = new Promise<void>((done) => current.once('exit', () => done()))
      current.postMessage('stop')
      const timer = setTimeout(() => void current.terminate(), patienceMs)
      await ended
      clearTimeout(timer)
    },
  }
}

/** Lowers the priority of the calling thread: people who wait for an answer go before work that nobody waits for. */
export function yieldToOthers(): void {
  // Linux counts priority by thread; elsewhere this would slow the whole process.
  if (process.platform !== 'linux') return
  try {
    setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // Not allowed in some containers; the work then runs at the priority of the rest.
  }
}
