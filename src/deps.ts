import { lookup } from 'node:dns/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import type { Config } from '#config/config.ts'
import type { Deps } from '#core/deps.ts'
import { closeDrivers } from '#core/drivers/drivers.ts'
import { closePlatformStore } from '#core/objects/objects.ts'
import { createPool } from '#db/connect.ts'
import { systemClock } from '#lib/clock.ts'
import { type Foreground, noForeground } from '#lib/foreground.ts'
import { graphileQueue } from '#queue/graphile-worker.ts'
import type { Egress } from '#storage/egress.ts'
import { guardedEgress } from '#storage/egress-guard.ts'
import { EgressPolicy } from '#storage/egress-policy.ts'
import { loadDriverModules } from '#storage/modules.ts'
import { isThisMachine, OwnServices } from '#storage/own-services.ts'
import { openVault } from '#vault/master-key.ts'

/** The oldest PostgreSQL we run on. */
const POSTGRES_MIN = 15
/** A refused address is logged again after this, and so many are remembered. */
const REFUSAL_QUIET_MS = 60_000
const REFUSALS_KEPT_MAX = 1000

/** Thrown when the operator's database cannot be used; the message names `DATABASE_URL` and holds no password. */
export class DatabaseUnusableError extends Error {}

/** Tries the operator's database before anything is built on it, so that the first error is one that says what to do. */
export async function openDatabase(url: string): Promise<void> {
  let client: pg.Client
  try {
    client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  } catch (cause) {
    throw new DatabaseUnusableError(
      'DATABASE_URL is not an address of PostgreSQL, such as postgres://user:password@host:5432/name.',
      { cause },
    )
  }
  // A connection that fails later reports here too; the query's own rejection is what counts.
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string }>(`select current_setting('server_version_num') as version`)
    const major = Math.floor(Number(rows[0]?.version) / 10_000)
    if (major < POSTGRES_MIN) {
      throw new DatabaseUnusableError(
        `DATABASE_URL leads to PostgreSQL ${major}; Sluice wants ${POSTGRES_MIN} or newer.`,
      )
    }
  } catch (error) {
    if (error instanceof DatabaseUnusableError) throw error
    // An error on two addresses of one name has no message of its own.
    const why = (error as Error).message || (error as { code?: string }).code || 'no answer'
    throw new DatabaseUnusableError(
      `The database of DATABASE_URL (${client.host}:${client.port}, database ${client.database}) cannot be used: ${why}. ` +
        'Check the address, or leave DATABASE_URL away to use the embedded database.',
      { cause: error },
    )
  } finally {
    await client.end().catch(() => {})
  }
}

/** What a process's functions are given, with the way to close it again. */
export interface OpenDeps {
  readonly deps: Deps
  /** Where this server and its database listen: tell it of a port that was chosen late. */
  readonly own: OwnServices
  close(): Promise<void>
}

/** Opens the connections of one process or thread: database pool, vault, queue, clock. */
export async function openDeps(options: {
  readonly config: Config
  readonly databaseUrl: string
  readonly log: Logger
  readonly connectionsMax: number
  readonly applicationName: string
  readonly foreground?: Foreground
}): Promise<OpenDeps> {
  const { config, log } = options
  await loadDriverModules(config.driverModules)
  const vault = await openVault(config)
  const db = createPool(options.databaseUrl, {
    connectionsMax: options.connectionsMax,
    applicationName: options.applicationName,
  })
  const own = await ownServices(config, options.databaseUrl)
  const deps: Deps = {
    db,
    clock: systemClock,
    config,
    vault,
    queue: graphileQueue,
    log,
    foreground: options.foreground ?? noForeground,
    egress: openGuard(config, own, log),
  }
  return {
    deps,
    own,
    async close() {
      await closeDrivers(deps)
      await closePlatformStore(deps)
      await db.end()
    },
  }
}

/** The guard by the operator's settings; what it refuses is logged, because whoever has to allow it needs to know. */
function openGuard(config: Config, own: OwnServices, log: Logger): Egress {
  // A sync would ask for the same address many times a second.
  const toldMs = new Map<string, number>()
  return guardedEgress({
    policy: new EgressPolicy(config.egress, own),
    onRefused({ host, port, reason }) {
      const nowMs = systemClock.now()
      const place = `${host} ${port}`
      if (nowMs - (toldMs.get(place) ?? 0) < REFUSAL_QUIET_MS) return
      if (toldMs.size >= REFUSALS_KEPT_MAX) toldMs.clear()
      toldMs.set(place, nowMs)
      log.warn({ host, port, reason }, 'a storage’s address is not connected to; see docs/network.md')
    },
  })
}

/** Where we listen ourselves, as far as it is known before listening, and where the database does. */
async function ownServices(config: Config, databaseUrl: string): Promise<OwnServices> {
  const own = new OwnServices()
  if (config.port !== 0) own.addLocalPort(config.port)
  const { host, port } = new pg.Client({ connectionString: databaseUrl })
  // A path is a Unix socket, which no address leads to.
  if (host.startsWith('/')) return own
  own.add(host, port)
  // A name that is not found now is one that nobody else finds either.
  const addresses = await lookup(host, { all: true }).catch(() => [])
  for (const { address } of addresses) own.add(address, port)
  if (addresses.some(({ address }) => isThisMachine(address))) own.addLocalPort(port)
  return own
}
