import type { Deps } from '#core/deps.ts'
import { openCredentials } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import { withRetry } from '#storage/layers.ts'
import { openStorage } from '#storage/open.ts'
import type { Storage } from '#storage/port.ts'
import { readOnly } from '#storage/read-only.ts'
import { StorageError } from '#storage/storage-error.ts'
import { VaultError } from '#vault/envelope.ts'
import { integrationOf } from './change.ts'
import { storageFailure } from './check.ts'
import { type Driver, selectDriver } from './queries.ts'
import { StorageCache } from './storage-cache.ts'
import { driverType, unsupported } from './types.ts'

/** Rotations in a row that opening a driver survives; nobody rotates that often but a test. */
const ATTEMPTS_MAX = 8

/** A driver with its bucket open. */
export interface OpenDriver {
  readonly driver: Driver
  /** The bucket, with repetition of transient failures. Shared with others: never close it. Hold it for one slice of work, then open again. */
  readonly storage: Storage
  /** What every key of the driver starts with: empty, or a folder with a slash at the end. */
  readonly prefix: string
  /** Whether files go through this server: the driver says so, the storage cannot sign, or its signed addresses did not work when tried (PM-18). */
  readonly isProxied: boolean
}

// By pool, because that is what all the Deps of one process share, however often they are spread.
const caches = new WeakMap<object, StorageCache>()

/**
 * The one door through which sync, streams and items reach a bucket.
 *
 * The row is read each time, so a change of the driver or a rotation of its credentials counts from the next call on, in every process. Opened storages
 * are kept for up to 5 minutes.
 * Throws `driver.not_found`, `dataset.disconnected`, `driver.not_supported`, `integration.unreadable`, or a storage's own code when it cannot even be opened.
 */
export async function openDriver(deps: Deps, driverId: string): Promise<OpenDriver> {
  // Again: a rotation between reading the row and opening the vault destroys the version that was read; and so may the next one.
  for (let attempt = 1; ; attempt++) {
    const driver = await selectDriver(deps.db, driverId)
    if (driver === null) throw new AppError('driver.not_found')
    if (driver.state === 'disconnected') throw new AppError('dataset.disconnected')
    try {
      const key = `${driver.id} ${driver.epoch} ${driver.integrationVersion}`
      const storage = await cacheOf(deps).get(driver.id, key, () => open(deps, driver))
      return { driver, storage, prefix: driver.folder, isProxied: isProxied(driver, storage) }
    } catch (error) {
      if (error instanceof StorageError) throw storageFailure(error)
      if (attempt >= ATTEMPTS_MAX || !wasRotated(error)) throw error
    }
  }
}

/** Closes every storage this process holds open; for its end. */
export async function closeDrivers(deps: Deps): Promise<void> {
  await cacheOf(deps).close()
}

function cacheOf(deps: Deps): StorageCache {
  let cache = caches.get(deps.db)
  if (cache === undefined) {
    cache = new StorageCache(deps.clock)
    caches.set(deps.db, cache)
  }
  return cache
}

async function open(deps: Deps, driver: Driver): Promise<Storage> {
  const refusal = unsupported(driverType(driver.type), driver.integrationType)
  if (refusal !== null) throw refusal
  const integration = integrationOf(driver)
  const spec = driverType(driver.type).spec(driver.config, {
    settings: deps.config,
    credentials: integration === null ? null : await openCredentials(deps, integration),
    integration,
    folder: driver.folder,
    allowDelete: driver.allowDelete,
    known: driver.report?.capabilities ?? null,
  })
  const storage = withRetry(await (deps.openStorage ?? openStorage)(spec, deps.egress))
  return driver.config.readOnly === true ? readOnly(storage) : storage
}

function isProxied(driver: Driver, storage: Storage): boolean {
  const sign = driver.report?.probes.find((probe) => probe.name === 'sign')
  return driver.config.proxy === true || !storage.can.sign_read || sign?.ok === false
}

function wasRotated(error: unknown): boolean {
  return error instanceof AppError && error.cause instanceof VaultError && error.cause.reason === 'destroyed'
}
