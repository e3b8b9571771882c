import { mkdir } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { Config } from '#config/config.ts'
import { ensureFirstOwner, type FirstOwner, prepareSetup } from '#core/access/access.ts'
import type { Deps } from '#core/deps.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#db/embedded.ts'
import { migrate } from '#db/migrate.ts'
import { measureForeground } from '#lib/foreground.ts'
import { migrateQueue } from '#queue/graphile-worker.ts'
import { openDatabase, openDeps } from './deps.ts'
import { buildHttp } from './http/app.ts'
import { startWorkThread } from './work.ts'

/** A server that answers. */
export interface RunningServer {
  /** Where it listens: scheme, host and port. */
  readonly url: string
  /** Where people reach it: `SLUICE_PUBLIC_URL`, or where it listens. */
  readonly publicUrl: string
  /** Address of its database, for the benchmarks and for whoever looks in. */
  readonly databaseUrl: string
  /** Stops within 10 s: no new connections, running slices save their state, then the database. */
  stop(): Promise<void>
}

const CONNECTIONS_MAX = 20
/** All of the stop, with a little left of the 10 s for the process itself. */
const STOP_MS = 9_300
/** For running requests and the running slice; the rest is the database's. */
const DRAIN_MS = 4_500

/** How a server is started besides its settings. */
export interface ServerOptions {
  /** File descriptor of the background thread's log: standard output unless said. */
  readonly logFd?: number
}

/**
 * The composition root: starts the database, brings it up to date, and starts the API and the background work on it.
 *
 * When any part does not start, those before it are stopped again and the error is thrown; `explainStartError` makes a sentence of it.
 */
export async function startServer(config: Config, log: Logger, options: ServerOptions = {}): Promise<RunningServer> {
  const stops: Stop[] = []
  try {
    await mkdir(config.dataDir, { recursive: true, mode: 0o711 })
    const owner = firstOwner(config)
    const embedded = await startDatabase(config, log, stops)
    const databaseUrl = embedded?.url ?? config.databaseUrl!
    const opened = await openDeps({
      config,
      databaseUrl,
      log,
      connectionsMax: CONNECTIONS_MAX,
      applicationName: 'sluice serve',
    })
    stops.push(() => opened.close())
    await migrate(opened.deps.db)
    await migrateQueue(opened.deps.db)
    if (owner !== null && (await ensureFirstOwner(opened.deps, owner)))
      log.info(`made the first owner ${owner.email} of ${owner.orgName}`)

    const http = buildHttp(opened.deps)
    const foreground = measureForeground()
    stops.push(async () => foreground.stop())
    await http.listen({ host: config.host, port: config.port })
    const listening = http.server.address() as AddressInfo
    opened.own.addLocalPort(listening.port)
    const thread = config.runWorker
      ? startWorkThread(
          {
            databaseUrl,
            port: listening.port,
            egress: config.egress,
            dataDir: config.dataDir,
            logFd: options.logFd ?? 1,
            logLevel: config.logLevel,
            foreground: foreground.shared,
          },
          log,
        )
      : null
    // These two at the same time: both wait for others.
    stops.push(async () => {
      const cut = setTimeout(() => http.server.closeAllConnections(), DRAIN_MS)
      await Promise.all([http.close(), thread?.stop(DRAIN_MS)])
      clearTimeout(cut)
    })

    const url = addressOf(config, listening)
    const publicUrl = config.publicUrl?.replace(/\/+$/, '') ?? url
    await tellStart({ config, log, deps: opened.deps, url, publicUrl, isEmbedded: embedded !== null })
    let stopping: Promise<void> | null = null
    return {
      url,
      publicUrl,
      databaseUrl,
      stop: () => {
        stopping ??= stopAll(stops)
        return stopping
      },
    }
  } catch (error) {
    await stopAll(stops).catch((cause: unknown) =>
      log.error({ err: cause }, 'what had been started could not be stopped'),
    )
    throw error
  }
}

/** Stops one thing; gets the milliseconds that are left. */
type Stop = (leftMs: number) => Promise<void>

/** Stops what was started, last first; all of it, even when one fails. */
async function stopAll(stops: readonly Stop[]): Promise<void> {
  const until = Date.now() + STOP_MS
  let failure: unknown
  for (const stop of [...stops].reverse()) {
    try {
      await stop(Math.max(500, until - Date.now()))
    } catch (error) {
      failure ??= error
    }
  }
  if (failure !== undefined) throw failure
}

async function startDatabase(config: Config, log: Logger, stops: Stop[]): Promise<EmbeddedPostgres | null> {
  if (config.databaseUrl !== undefined) {
    await openDatabase(config.databaseUrl)
    return null
  }
  const embedded = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    log: { info: (text) => log.info(text), warn: (text) => log.warn(text), error: (text) => log.error(text) },
  })
  stops.push((leftMs) => embedded.stop(leftMs))
  return embedded
}

/** The first owner of the operator's settings, which come together or not at all; null when there are none. */
function firstOwner({ ownerEmail: email, ownerPassword: password, orgName }: Config): FirstOwner | null {
  if (email === undefined && password === undefined && orgName === undefined) return null
  if (email !== undefined && password !== undefined && orgName !== undefined) return { email, password, orgName }
  const given = { SLUICE_OWNER_EMAIL: email, SLUICE_OWNER_PASSWORD: password, SLUICE_ORG_NAME: orgName }
  const missing = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [name] : []))
  throw new Error(`The first owner needs ${Object.keys(given).join(', ')} together; missing: ${missing.join(', ')}.`)
}

function addressOf(config: Config, address: AddressInfo): string {
  // Listening everywhere, it is reached here too.
  const isEverywhere = address.address === '0.0.0.0' || address.address === '::'
  const host = isEverywhere ? 'localhost' : config.host
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}

async function tellStart(o: {
  readonly config: Config
  readonly log: Logger
  readonly deps: Deps
  readonly url: string
  readonly publicUrl: string
  readonly isEmbedded: boolean
}): Promise<void> {
  const token = await prepareSetup(o.deps)
  o.log.info(
    `listening on ${o.url}${o.publicUrl === o.url ? '' : `, for people ${o.publicUrl}`}; API reference at ${o.publicUrl}/api/v1/docs`,
  )
  o.log.info(
    o.isEmbedded
      ? `data in ${o.config.dataDir} (embedded PostgreSQL)`
      : `data in the database of DATABASE_URL, keys in ${o.config.dataDir}`,
  )
  if (!o.config.runWorker)
    o.log.info('no background work here (SLUICE_RUN_WORKER=0); “sluice work” has to run elsewhere')
  o.log.info(`Ctrl-C or SIGTERM to process ${process.pid} stops it`)
  if (token !== null)
    o.log.info(
      `nobody owns this server yet; make its first owner with this link, once: ${o.publicUrl}/setup#token=${token}`,
    )
}
