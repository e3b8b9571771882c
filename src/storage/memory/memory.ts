import { createHash } from 'node:crypto'
import { addAbortSignal, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { systemClock } from '#lib/clock.ts'
import { checkStorage } from '../check.ts'
import { type ListedObject, pageOf, rangeOf, selectPage } from '../entry-page.ts'
import { addressableKey } from '../key.ts'
import type { Capabilities, Entry, Key, Opened, Storage, WriteOptions } from '../port.ts'
import { StorageError, type StorageErrorKind } from '../storage-error.ts'

/** An object of a memory bucket. */
export interface MemoryObject extends ListedObject {
  readonly body: Buffer
  readonly contentType?: string | undefined
}

/** A bucket in this process's memory, in byte order of its keys; the drivers of one name share it, and it ends with the process. */
export class MemoryBucket {
  readonly #sorted: MemoryObject[] = []

  get size(): number {
    return this.#sorted.length
  }

  get(key: Buffer): MemoryObject | undefined {
    const found = this.#sorted[this.#place(key)]
    return found?.key.equals(key) ? found : undefined
  }

  /** Puts an object there; keys of any bytes, and times at will. */
  put(key: Buffer, body: Buffer, facts: { contentType?: string | undefined; modifiedMs?: number } = {}): MemoryObject {
    const object: MemoryObject = {
      key: Buffer.from(key),
      body: Buffer.from(body),
      sizeBytes: body.length,
      etag: createHash('md5').update(body).digest('hex'),
      modifiedMs: facts.modifiedMs ?? systemClock.now(),
      contentType: facts.contentType,
    }
    const place = this.#place(key)
    this.#sorted.splice(place, this.#sorted[place]?.key.equals(key) ? 1 : 0, object)
    return object
  }

  delete(key: Buffer): boolean {
    const place = this.#place(key)
    if (!this.#sorted[place]?.key.equals(key)) return false
    this.#sorted.splice(place, 1)
    return true
  }

  /** What is at or after a key, in byte order. */
  *from(start: Buffer): Generator<MemoryObject> {
    for (let i = this.#place(start); i < this.#sorted.length; i++) yield this.#sorted[i]!
  }

  #place(key: Buffer): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#sorted[middle]!.key.compare(key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

const buckets = new Map<string, MemoryBucket>()

/** The bucket of a name, made where there is none yet; how tests get at what drivers see. */
export function memoryBucket(name: string): MemoryBucket {
  let bucket = buckets.get(name)
  if (bucket === undefined) {
    bucket = new MemoryBucket()
    buckets.set(name, bucket)
  }
  return bucket
}

const capabilities: Capabilities = {
  list_after: true,
  list_below: true,
  list_page_max: 1000,
  list_order: 'utf8',
  read_range: true,
  write: true,
  write_if_absent: true,
  write_if_match: false,
  remove_if_match: false,
  remove_batch_max: 1000,
  sign_read: false,
  sign_write: false,
  sign_max_seconds: 0,
}

/** The memory driver: a real storage without a wire, for tests and for trying things out. */
export function createMemoryStorage(options: { readonly name: string }): Storage {
  const bucket = memoryBucket(options.name)
  const storage: Storage = {
    provider: 'memory',
    can: capabilities,

    async list(query) {
      return orAborted(query.signal, 'list', async () => {
        const selection = await selectPage(query, capabilities.list_page_max, (start) => bucket.from(start))
        return pageOf(selection.found, selection)
      })
    },

    async stat(key, { signal } = {}) {
      return orAborted(signal, 'stat', async () => {
        const object = bucket.get(bytesOf(key, 'stat'))
        return object === undefined ? null : entryOf(key, object)
      })
    },

    async read(key, { range, ifMatch, signal } = {}): Promise<Opened> {
      return orAborted(signal, 'read', async () => {
        const object = bucket.get(bytesOf(key, 'read'))
        if (object === undefined) throw failure('not-found', 'The bucket has no such object.', 'read', key)
        if (ifMatch !== undefined && ifMatch !== object.etag) {
          throw failure('precondition-failed', 'The object is another one by now.', 'read', key)
        }
        const { start, end } = rangeOf(range, object.sizeBytes, { provider: 'memory', key })
        const bytes = object.body.subarray(start, end)
        return { entry: entryOf(key, object), body: Readable.from([bytes]), bodyBytes: bytes.length }
      })
    },

    async write(key, body, options) {
      return orAborted(options.signal, 'write', () => write(bucket, key, body, options))
    },

    async remove(keys, { signal, ifMatch } = {}) {
      return orAborted(signal, 'remove', async () => {
        if (ifMatch !== undefined) throw unsupported('remove on a condition', 'remove')
        if (keys.length > capabilities.remove_batch_max) throw unsupported('remove so many at once', 'remove')
        const all = keys.map((key) => ({ key, bytes: bytesOf(key, 'remove') }))
        for (const { bytes } of all) bucket.delete(bytes)
        return keys.map((key) => ({ key, ok: true }))
      })
    },

    signRead() {
      throw unsupported('sign addresses', 'signRead')
    },

    signWrite() {
      throw unsupported('sign addresses', 'signWrite')
    },

    check: (checkOptions) => checkStorage(storage, checkOptions, { rights }),

    async close() {},
  }
  return storage
}

const rights = { list: 'list', read: 'read', write: 'write', delete: 'delete' }

async function write(bucket: MemoryBucket, key: Key, body: Readable | Buffer, options: WriteOptions): Promise<Entry> {
  const keyBytes = bytesOf(key, 'write')
  const bytes = Buffer.isBuffer(body) ? body : await bytesOfStream(body, options.signal, key)
  if (bytes.length !== options.sizeBytes)
    throw failure('invalid', 'The body has another length than said.', 'write', key)
  options.signal?.throwIfAborted()
  if (options.ifAbsent === true && bucket.get(keyBytes) !== undefined) {
    throw failure('precondition-failed', 'There is such an object already.', 'write', key)
  }
  return entryOf(key, bucket.put(keyBytes, bytes, { contentType: options.contentType }))
}

async function bytesOfStream(body: Readable, signal: AbortSignal | undefined, key: Key): Promise<Buffer> {
  try {
    return await buffer(signal === undefined ? body : addAbortSignal(signal, body))
  } catch (error) {
    if (signal?.aborted) throw error
    throw new StorageError('invalid', 'The body broke off.', { provider: 'memory', op: 'write', key, cause: error })
  }
}

function entryOf(key: Key, object: MemoryObject): Entry {
  const { sizeBytes, etag, modifiedMs, contentType } = object
  return { key, sizeBytes, etag, modifiedMs, ...(contentType === undefined ? {} : { contentType }) }
}

function bytesOf(key: Key, op: string): Buffer {
  return Buffer.from(addressableKey(key, { provider: 'memory', op }))
}

async function orAborted<T>(signal: AbortSignal | undefined, op: string, work: () => Promise<T>): Promise<T> {
  try {
    signal?.throwIfAborted()
    return await work()
  } catch (error) {
    if (signal?.aborted) throw failure('aborted', 'The work was stopped.', op)
    throw error
  }
}

function unsupported(what: string, op: string): StorageError {
  return failure('unsupported', `A memory bucket cannot ${what}.`, op)
}

function failure(kind: StorageErrorKind, message: string, op: string, key?: string): StorageError {
  return new StorageError(kind, message, { provider: 'memory', op, key })
}
