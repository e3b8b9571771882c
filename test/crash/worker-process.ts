// Starts workers that die where they are told to.
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CallKind, Death, Life, Moment } from './kill-at.ts'

/** Where in its life a worker is to die: at a moment of the call with this number, counted from 1. */
export interface KillPoint {
  readonly moment: Moment
  readonly call: number
}

/** What a worker needs to reach its database, its vault and its bucket. */
export interface WorkerSettings {
  readonly databaseUrl: string
  readonly dataDir: string
  readonly masterKey: string
  readonly listConnections: number
  /** Small pages and batches (`small-batches.ts`). */
  readonly isSmall: boolean
  /** How long a slice may take; the product's own five minutes unless said. Small workers only. */
  readonly sliceMs?: number | undefined
}

/** A running worker. */
export interface WorkerProcess {
  readonly ended: Promise<WorkerEnd>
  hasEnded(): boolean
  /** What it has logged so far. */
  log(): string
  kill(signal: 'SIGKILL' | 'SIGTERM'): void
}

/** How a worker ended and what it left. `log`: its lines, warnings and worse. */
export interface WorkerEnd {
  readonly signal: NodeJS.Signals | null
  readonly death: Death['killed'] | null
  /** All its calls, when it was stopped in peace. */
  readonly calls: readonly CallKind[]
  readonly log: string
}

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const ROOT = file('../..')

/** Starts a worker on a database; it works on whatever is queued there. */
export function startWorker(settings: WorkerSettings, kill: KillPoint | null): WorkerProcess {
  const words = ['--disable-warning=ExperimentalWarning', '--import', file('kill-at.ts')]
  if (settings.isSmall) words.push('--import', file('small-batches.ts'))
  const child = spawn(process.execPath, [...words, file('worker.ts')], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? file('../../node_modules/.cache/compiled'),
      DATABASE_URL: settings.databaseUrl,
      SLUICE_DATA_DIR: settings.dataDir,
      SLUICE_MASTER_KEY: settings.masterKey,
      SLUICE_LIST_CONNECTIONS: String(settings.listConnections),
      SLUICE_LOG_LEVEL: 'warn',
      ...(settings.sliceMs === undefined ? {} : { CRASH_SLICE_MS: String(settings.sliceMs) }),
      ...(kill === null ? {} : { CRASH_AT: `${kill.moment}:${kill.call}` }),
    },
  })
  let hasEnded = false
  let log = ''
  child.stderr!.on('data', (chunk) => (log += String(chunk)))
  const ended = endOf(child, () => log)
  void ended.then(() => (hasEnded = true))
  return { ended, hasEnded: () => hasEnded, log: () => log, kill: (signal) => void child.kill(signal) }
}

async function endOf(child: ChildProcess, log: () => string): Promise<WorkerEnd> {
  let output = ''
  child.stdout!.on('data', (chunk) => (output += String(chunk)))
  const signal = await new Promise<NodeJS.Signals | null>((done) =>
    child.once('close', (_code, by) => done(by as NodeJS.Signals | null)),
  )
  const left = output === '' ? {} : (JSON.parse(output) as Partial<Death & Life>)
  return { signal, death: left.killed ?? null, calls: left.calls ?? [], log: log() }
}
