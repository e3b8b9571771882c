import type { Logger } from 'pino'
import type { Config } from '#config/config.ts'
import type { DbPool } from '#db/connect.ts'
import type { Clock } from '#lib/clock.ts'
import type { Foreground } from '#lib/foreground.ts'
import type { Queue } from '#queue/queue.ts'
import type { Egress } from '#storage/egress.ts'
import type { StorageSpec } from '#storage/open.ts'
import type { Storage } from '#storage/port.ts'
import type { Vault } from '#vault/vault.ts'

/** What every core function is given: the process's connections and settings, built once in `app.ts`. */
export interface Deps {
  readonly db: DbPool
  readonly clock: Clock
  readonly config: Config
  readonly vault: Vault
  readonly queue: Queue
  readonly log: Logger
  /** Whether people are being served beside us, so that background work may hold back. */
  readonly foreground: Foreground
  /** What connections to storages and other addresses of tenants go through. */
  readonly egress: Egress
  /** How drivers' buckets are opened, where not as the storage kit does it: tests bring buckets of their own. */
  readonly openStorage?: (spec: StorageSpec, egress: Egress) => Promise<Storage>
}

/** Who asks: the logged-in user of a request. */
export interface Caller {
  readonly userId: string
  readonly email: string
}
