import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { chown, mkdir, readFile, rm, stat, truncate } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { lockDataFolder } from './data-lock.ts'
import { findBinaries } from './embedded-binaries.ts'
import {
  type Cluster,
  placeCluster,
  prepareCluster,
  prepareSocketFolder,
  type StartLog,
  SYSTEM_FOLDER,
} from './embedded-cluster.ts'
import { stopOrphan } from './embedded-orphan.ts'
import { findRunner, type Runner, spawnAs } from './embedded-runner.ts'

/** How the embedded database is started. */
export interface EmbeddedOptions {
  readonly dataDir: string
  readonly log: StartLog
  /** False only in tests: trades safety against power failure for speed. */
  readonly isDurable?: boolean
  /** Called when the database ends without being asked to; ends this process unless given. */
  onCrash?(reason: string): void
}

/** A running embedded database. */
export interface EmbeddedPostgres {
  /** Address of the database `sluice`, for `pg` and for `psql` alike. */
  readonly url: string
  /** Main process of the database. */
  readonly pid: number
  /**
   * Stops it and gives the data folder free; may be called more than once. A shutdown that has not written its checkpoint after `patienceMs`
   * (7,500 unless said) is cut short, and the next start replays the log of changes instead.
   */
  stop(patienceMs?: number): Promise<void>
}

const READY_MS = 60_000
const POLL_MS = 20
const FAST_STOP_MS = 7_500
const LOG_BYTES_MAX = 16 * 1024 * 1024

/**
 * Starts the real PostgreSQL 18 that comes from npm on `<dataDir>/postgres`, for the server and the tests (D4, sync-and-safety §2.6).
 *
 * It listens on a Unix socket only, with a generated password, runs as an unprivileged user when we are root, and is watched: when it ends by
 * itself, so does this process. One server a data folder; a database left over by `kill -9` is stopped first.
 *
 * Errors: `DataFolderLockedError`; an error that quotes the end of PostgreSQL's log when it does not start.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir)
  const isDurable = options.isDurable ?? true
  // Others may pass through the folder (PostgreSQL's user must) but not list it.
  await mkdir(dataDir, { recursive: true, mode: 0o711 })
  const lock = await lockDataFolder(dataDir)
  try {
    const runner = await findRunner()
    const binaries = await findBinaries(runner, runner.isOther ? SYSTEM_FOLDER : dataDir)
    const folder = await placeCluster(dataDir, runner, options.log)
    await stopOrphan(join(folder, 'data'), options.log)
    const cluster = await prepareCluster(folder, runner, binaries.folder, { isDurable })
    const socket = await prepareSocketFolder(folder, runner)
    const child = await launch({ cluster, runner, binaries: binaries.folder, socketFolder: socket.path, isDurable })
    const url = (name: string) => {
      const query = `host=${encodeURIComponent(socket.path)}`
      return `postgres://sluice:${cluster.password}@localhost:5432/${name}?${query}`
    }
    const release = async () => {
      if (socket.isTemporary) await rm(socket.path, { recursive: true, force: true })
      await lock.release()
    }
    const running = supervise({ child, url: url('sluice'), options, release })
    try {
      await createDatabase(url('postgres'))
    } catch (error) {
      await running.stop()
      throw error
    }
    return running
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** Settings of the embedded server; sizes fit a laptop and leave the page cache of the system to do the rest. */
function settings(isDurable: boolean): Record<string, string> {
  const memoryMb = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 1_048_576
  return {
    listen_addresses: '',
    max_connections: '80',
    shared_buffers: `${Math.max(16, Math.min(256, Math.floor(memoryMb / 8)))}MB`,
    // A first sync writes gigabytes; checkpoints closer together than this double the work (design/performance.md §2).
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',
    // Page images go to the log as they are: this build has only the slow compression, 95 microseconds a page and half the time of a re-sync with changes
    // everywhere, for a third of the log.
    wal_compression: 'off',
    jit: 'off',
    // What comes in file by file makes a new dataset known to the planner after this and not after a minute (core/catalog/estimates.ts).
    autovacuum_naptime: '15s',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    log_statement: 'none',
    // Statements hold users' data: the log tells that one failed, not what it was.
    log_min_error_statement: 'panic',
    ...(isDurable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
}

interface Launch {
  readonly cluster: Cluster
  readonly runner: Runner
  readonly binaries: string
  readonly socketFolder: string
  readonly isDurable: boolean
}

/** Starts the server and resolves when it accepts connections. */
async function launch(o: Launch): Promise<ChildProcess> {
  const logPath = join(o.cluster.folder, 'postgres.log')
  const until = Date.now() + READY_MS
  for (;;) {
    const facts = await stat(logPath).catch(() => null)
    if (facts !== null && facts.size > LOG_BYTES_MAX) await truncate(logPath)
    const logStart = facts === null || facts.size > LOG_BYTES_MAX ? 0 : facts.size
    // A file, not a pipe: PostgreSQL must be able to write its log while and after this process is killed.
    const fd = openSync(logPath, 'a', 0o600)
    const args = ['-D', o.cluster.pgData, '-k', o.socketFolder]
    for (const [name, value] of Object.entries(settings(o.isDurable))) args.push('-c', `${name}=${value}`)
    const child = spawnAs(o.runner, join(o.binaries, 'bin', 'postgres'), args, {
      cwd: o.cluster.folder,
      stdio: ['ignore', fd, fd],
      detached: true,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', PGTZ: 'UTC' },
    })
    closeSync(fd)
    // When this process ends without having stopped the database, do not leave it behind.
    const onExit = () => void child.kill('SIGINT')
    process.once('exit', onExit)
    child.once('exit', () => process.removeListener('exit', onExit))
    if (o.runner.isOther) await chown(logPath, o.runner.uid, o.runner.gid)
    const failure = await readiness(child, o.cluster.pgData, until)
    if (failure === null) return child
    const log = (await readFile(logPath, 'utf8').catch(() => '')).slice(logStart).trim()
    // The children of a main process that was killed take a moment to notice; until then the start is refused.
    if (/pre-existing shared memory block|lock file .* already exists/.test(log) && Date.now() < until) {
      await new Promise((done) => setTimeout(done, 250))
      continue
    }
    throw new Error(`the database did not start: ${failure}. Its log (${logPath}) ends with:\n${log.slice(-2000)}`)
  }
}

/** Waits until PostgreSQL writes `ready` into its pid file; null then, otherwise what went wrong. */
async function readiness(child: ChildProcess, pgData: string, until: number): Promise<string | null> {
  let ended: string | null = null
  child.once('error', (error) => (ended = error.message))
  child.once('exit', (code, signal) => (ended = `it ended with ${code ?? signal}`))
  while (ended === null && Date.now() < until) {
    const lines = (await readFile(join(pgData, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return null
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
  if (ended !== null) return ended
  child.kill('SIGQUIT')
  return `it was not ready within ${READY_MS / 1000} s`
}

async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rowCount } = await client.query(`select 1 from pg_database where datname = 'sluice'`)
    if (rowCount === 0) await client.query('create database sluice')
  } finally {
    await client.end()
  }
}

interface Supervised {
  readonly child: ChildProcess
  readonly url: string
  readonly options: EmbeddedOptions
  release(): Promise<void>
}

function supervise({ child, url, options, release }: Supervised): EmbeddedPostgres {
  let stopping: Promise<void> | null = null
  const ended = new Promise<string>((done) => child.once('exit', (code, signal) => done(String(code ?? signal))))
  void ended.then(async (how) => {
    if (stopping !== null) return
    await release()
    const reason = `the database ended by itself (${how}); see postgres.log in its folder`
    options.log.error(reason)
    if (options.onCrash) options.onCrash(reason)
    else process.exit(1)
  })
  const stop = async (patienceMs: number) => {
    // Fast shutdown: ends the sessions and writes a checkpoint.
    child.kill('SIGINT')
    const timer = setTimeout(() => child.kill('SIGQUIT'), patienceMs)
    await ended
    clearTimeout(timer)
    await release()
  }
  return {
    url,
    pid: child.pid!,
    stop: (patienceMs = FAST_STOP_MS) => {
      stopping ??= stop(patienceMs)
      return stopping
    },
  }
}
