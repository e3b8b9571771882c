import { createHash, randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Deps } from '#core/deps.ts'
import type { Driver } from '#core/drivers/drivers.ts'
import { AppError } from '#lib/app-error.ts'
import { openEgress } from '#storage/egress.ts'
import { withRetry } from '#storage/layers.ts'
import { openStorage } from '#storage/open.ts'
import type { Storage } from '#storage/port.ts'
import { writeObject } from './write-object.ts'

/** Largest object, in bytes: what S3 takes in 10,000 parts of 32 MiB, of which one is in memory. */
export const OBJECT_BYTES_MAX = 10_000 * 32 * 1024 ** 2
/** Folders in the data folder: what is kept, and what is still arriving. */
const OBJECTS = 'objects'
const INCOMING = 'incoming'
/** A file that has been arriving for so long was left by a process that died. */
const STALE_MS = 24 * 3_600_000

/** A place that objects are read from: a driver's bucket, or the platform's own store, which has no driver. */
export interface OpenStore {
  readonly driver: Driver | null
  readonly storage: Storage
  /** What every key starts with: empty, or a folder with a slash at the end. */
  readonly prefix: string
  /** Whether files go through this server. */
  readonly isProxied: boolean
}

// By pool, because that is what all the Deps of one process share, however often they are spread.
const stores = new WeakMap<object, Promise<OpenStore>>()

/**
 * Opens the platform's own store: a folder in the data folder, or the bucket of the operator's settings. Kept open for the life of the process; shared, so
 * nobody closes it but `closePlatformStore`.
 */
export function platformStore(deps: Deps): Promise<OpenStore> {
  let store = stores.get(deps.db)
  if (store === undefined) {
    store = openPlatformStore(deps)
    stores.set(deps.db, store)
    // What failed is tried again by whoever asks next.
    store.catch(() => stores.delete(deps.db))
  }
  return store
}

/** Closes the store, if this process has opened it; for its end. */
export async function closePlatformStore(deps: Deps): Promise<void> {
  const store = await stores.get(deps.db)?.catch(() => null)
  stores.delete(deps.db)
  await store?.storage.close()
}

async function openPlatformStore({ config, openStorage: openOther }: Deps): Promise<OpenStore> {
  // The operator chose this address, no tenant.
  const { store } = config
  if (store === null) {
    const rootPath = join(config.dataDir, OBJECTS)
    await mkdir(rootPath, { recursive: true, mode: 0o700 })
    const storage = await openStorage({ provider: 'local', rootPath, allowedRoots: [rootPath] }, openEgress)
    return { driver: null, storage, prefix: '', isProxied: true }
  }
  const storage = withRetry(await (openOther ?? openStorage)({ provider: 's3', ...store }, openEgress))
  return { driver: null, storage, prefix: store.folder, isProxied: false }
}

/** A file that has arrived whole and lies in the data folder until it is kept or let go. */
export interface Arrived {
  readonly path: string
  readonly sizeBytes: number
  /** Lower-case hex. */
  readonly md5: string
  /** Removes the file; nothing happens when it was kept. */
  discard(): Promise<void>
}

/**
 * Takes a stream whose length nobody knows into a temporary file, counting and hashing on the way. Throws `request.too_large` beyond `OBJECT_BYTES_MAX`, and
 * whatever the stream fails with; then no file is left.
 */
export async function receive(deps: Deps, body: Readable): Promise<Arrived> {
  const folder = join(deps.config.dataDir, INCOMING)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, randomBytes(12).toString('hex'))
  const discard = () => unlink(path).catch(() => {})
  const hash = createHash('md5')
  let sizeBytes = 0
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length
      hash.update(chunk)
      done(sizeBytes > OBJECT_BYTES_MAX ? new AppError('request.too_large') : null, chunk)
    },
  })
  try {
    await pipeline(body, meter, createWriteStream(path, { flags: 'wx', mode: 0o600 }))
  } catch (error) {
    await discard()
    throw error
  }
  return { path, sizeBytes, md5: hash.digest('hex'), discard }
}

/** A new key of the store: random, so that nobody can guess or meet another's, and spread over 65,536 folders. */
export function newObjectKey(): string {
  const id = randomBytes(16).toString('hex')
  return `${id.slice(0, 2)}/${id.slice(2, 4)}/${id}`
}

/** Keeps what has arrived under a key of the store; when this resolves it is on disk, or in the bucket. */
export async function keepArrived(deps: Deps, key: string, arrived: Arrived, contentType?: string): Promise<void> {
  const { storage, prefix } = await platformStore(deps)
  if (deps.config.store !== null) {
    const handle = await open(arrived.path)
    const body = handle.createReadStream()
    const options = { sizeBytes: arrived.sizeBytes, contentType }
    await writeObject(deps, { storage, driverId: null }, `${prefix}${key}`, body, options)
    return
  }
  const path = join(deps.config.dataDir, OBJECTS, key)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const handle = await open(arrived.path)
  await handle.sync()
  await handle.close()
  await rename(arrived.path, path)
}

/** Removes what processes that died have left half arrived. */
export async function sweepIncoming(deps: Deps): Promise<void> {
  const folder = join(deps.config.dataDir, INCOMING)
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => null)
    if (found !== null && deps.clock.now() - found.mtimeMs > STALE_MS) await unlink(path).catch(() => {})
  }
}
