import { Command } from 'commander'
import type { Logger } from 'pino'
import { type Config, readConfig } from '#config/config.ts'
import { createPool } from '#db/connect.ts'
import { migrate } from '#db/migrate.ts'
import { migrateQueue } from '#queue/graphile-worker.ts'
import { startServer } from './app.ts'
import { openDatabase } from './deps.ts'
import { createLog } from './log.ts'
import { explainStartError } from './start-error.ts'
import { addStorageCommands } from './storage-commands.ts'
import { startWork } from './work.ts'

/** Runs the command of a command line; `src/main.ts` calls it. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('sluice').description(
    'Connects your own cloud storage to your data work: indexes files in place.',
  )
  program
    .command('serve', { isDefault: true })
    .description('the server: API, pages and, unless SLUICE_RUN_WORKER=0, the background work')
    .action(() => serve(startServer))
  program
    .command('work')
    .description('only the background work, beside servers; wants DATABASE_URL')
    .action(() => serve(startWorkOnly))
  program
    .command('migrate')
    .description('brings the database of DATABASE_URL up to date and ends')
    .action(() => once(migrateOnly))
  program
    .command('demo')
    .description('the server with a sample bucket, a project and a synced dataset')
    .option('--once', 'do it on free ports in a temporary folder, compare, and end')
    .option('--json', 'answer with one line of JSON (with --once)')
    .action((options: { once?: boolean; json?: boolean }) => demo(options))
  addStorageCommands(program)
  await program.parseAsync(argv as string[])
}

/** Something that runs until it is told to stop. */
interface Running {
  stop(): Promise<void>
}

/** A second signal within this time is the same one on another way: a terminal signals the whole group, and npm passes it on as well. */
const SAME_SIGNAL_MS = 1_000
const STOP_MS = 10_000

/** Starts something, keeps it until a signal, and stops it within 10 s. */
async function serve(start: (config: Config, log: Logger) => Promise<Running>): Promise<void> {
  const config = settings()
  const log = createLog(config.logLevel)
  let running: Running | null = null
  let firstSignalMs: number | null = null
  const stop = (why: string, code = 0) => {
    if (firstSignalMs !== null) {
      if (Date.now() - firstSignalMs < SAME_SIGNAL_MS) return
      log.warn('ending at once')
      process.exit(130)
    }
    firstSignalMs = Date.now()
    // Still starting: what was started is ended by the handlers of `exit`.
    if (running === null) process.exit(130)
    log.info(`${why}: stopping`)
    setTimeout(() => {
      log.error('stopping took too long; ending at once')
      process.exit(1)
    }, STOP_MS).unref()
    running.stop().then(
      () => {
        log.info('stopped')
        process.exit(code)
      },
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(signal))
  // Started by bin/sluice.mjs: when that is gone, even by kill -9, nobody would stop us.
  if (process.channel) {
    process.on('disconnect', () => stop('the command that started this server is gone'))
    process.channel.unref()
  }
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'something failed that nothing handles; stopping')
    stop('an unexpected failure', 1)
  })
  try {
    running = await start(config, log)
  } catch (error) {
    fail(error, config)
  }
}

async function once(work: (config: Config, log: Logger) => Promise<void>): Promise<void> {
  const config = settings()
  try {
    await work(config, createLog(config.logLevel))
  } catch (error) {
    fail(error, config)
  }
}

async function demo(options: { once?: boolean; json?: boolean }): Promise<void> {
  const { runDemo, runDemoOnce } = await import('./demo/demo.ts')
  if (!options.once) {
    // What the demo prints for people should not drown in a line for each request.
    return serve((config, log) => {
      if (config.logLevel === 'info') log.level = 'warn'
      return runDemo({ config: { ...config, logLevel: log.level }, log, start: startServer })
    })
  }
  await once(async (config) => {
    // Standard output is for the outcome alone.
    const log = createLog('warn', process.stderr.fd)
    const start = (settings: Config) => startServer(settings, log, { logFd: process.stderr.fd })
    const outcome = await runDemoOnce({
      config: { ...config, logLevel: 'warn' },
      log,
      start,
      isJson: options.json === true,
    })
    process.exitCode = outcome.isComplete ? 0 : 1
  })
  process.exit()
}

async function startWorkOnly(config: Config, log: Logger): Promise<Running> {
  if (config.databaseUrl === undefined) {
    throw new Error(
      '“work” wants DATABASE_URL: the embedded database is its server’s own. Without it, “serve” does the background work itself.',
    )
  }
  await openDatabase(config.databaseUrl)
  const work = await startWork(config, config.databaseUrl, log)
  log.info('working; Ctrl-C or SIGTERM stops it')
  return work
}

async function migrateOnly(config: Config, log: Logger): Promise<void> {
  if (config.databaseUrl === undefined)
    throw new Error('“migrate” wants DATABASE_URL: the embedded database is migrated at each start.')
  await openDatabase(config.databaseUrl)
  const pool = createPool(config.databaseUrl, { connectionsMax: 2 })
  try {
    await migrate(pool)
    await migrateQueue(pool)
  } finally {
    await pool.end()
  }
  log.info('the database is up to date')
}

function settings(): Config {
  try {
    return readConfig()
  } catch (error) {
    return fail(error, null)
  }
}

function fail(error: unknown, config: Config | null): never {
  process.stderr.write(`${explainStartError(error, config)}\n`)
  process.exit(1)
}
