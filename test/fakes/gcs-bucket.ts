/** An object of the fake. */
export interface StoredObject {
  readonly key: string
  readonly keyBytes: Buffer
  readonly bytes: Buffer
  readonly generation: string
  readonly updatedMs: number
  readonly contentType: string
  readonly storageClass: string
}

/** A failure as Google's JSON tells it. */
export class NamedFailure extends Error {
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string, message: string) {
    super(message)
    this.status = status
    this.reason = reason
  }
}

/** What is said with a new object. */
export interface PutOptions {
  readonly contentType?: string | undefined
  readonly storageClass?: string | undefined
  readonly ifGenerationMatch?: string
  readonly updatedMs?: number
}

const PAGE_MAX = 1000
let lastGeneration = 1_700_000_000_000_000n

/** A bucket of the fake: objects in the order of their names' bytes. */
export class FakeBucket {
  readonly name: string
  readonly #byKey = new Map<string, StoredObject>()
  readonly #sorted: StoredObject[] = []

  constructor(name: string) {
    this.name = name
  }

  keys(): string[] {
    return this.#sorted.map(({ key }) => key)
  }

  get(key: string): StoredObject | undefined {
    return this.#byKey.get(key)
  }

  require(key: string, conditions: { ifGenerationMatch?: string }): StoredObject {
    const object = this.#byKey.get(key)
    if (object === undefined) throw new NamedFailure(404, 'notFound', `No such object: ${this.name}/${key}`)
    this.#hold(object, conditions)
    return object
  }

  put(key: string, bytes: Buffer, options: PutOptions = {}): StoredObject {
    refuseName(key)
    const held = this.#byKey.get(key)
    this.#hold(held, options)
    lastGeneration += 1n
    const object: StoredObject = {
      key,
      keyBytes: Buffer.from(key),
      bytes,
      generation: String(lastGeneration),
      updatedMs: options.updatedMs ?? Date.now(),
      contentType: options.contentType ?? 'application/octet-stream',
      storageClass: options.storageClass ?? 'STANDARD',
    }
    this.#byKey.set(key, object)
    const at = this.#placeOf(object.keyBytes)
    this.#sorted.splice(at, held === undefined ? 0 : 1, object)
    return object
  }

  remove(key: string, conditions: { ifGenerationMatch?: string } = {}): void {
    const object = this.require(key, conditions)
    this.#byKey.delete(key)
    this.#sorted.splice(this.#placeOf(object.keyBytes), 1)
  }

  document(object: StoredObject): Readonly<Record<string, unknown>> {
    return {
      kind: 'storage#object',
      id: `${this.name}/${object.key}/${object.generation}`,
      name: object.key,
      bucket: this.name,
      generation: object.generation,
      metageneration: '1',
      contentType: object.contentType,
      storageClass: object.storageClass,
      size: String(object.bytes.length),
      updated: new Date(object.updatedMs).toISOString(),
    }
  }

  /** One page of `objects.list`. */
  list(query: URLSearchParams): Readonly<Record<string, unknown>> {
    const prefix = Buffer.from(query.get('prefix') ?? '')
    const delimiter = query.get('delimiter')
    const end = query.get('endOffset')
    const max = Math.min(Number(query.get('maxResults') ?? PAGE_MAX), PAGE_MAX)
    const token = query.get('pageToken')
    const start = Buffer.from(token === null ? (query.get('startOffset') ?? '') : Buffer.from(token, 'base64url'))
    const items: object[] = []
    const prefixes: string[] = []
    let at = this.#placeOf(start.compare(prefix) > 0 ? start : prefix)
    let next: Buffer | undefined
    while (at < this.#sorted.length) {
      const object = this.#sorted[at]!
      const { keyBytes } = object
      if (keyBytes.compare(prefix, 0, prefix.length, 0, Math.min(prefix.length, keyBytes.length)) !== 0) break
      if (end !== null && end !== '' && keyBytes.compare(Buffer.from(end)) >= 0) break
      if (items.length + prefixes.length === max) {
        next = keyBytes
        break
      }
      const cut = delimiter === null ? -1 : keyBytes.indexOf(delimiter, prefix.length)
      if (cut < 0) {
        items.push(this.document(object))
        at++
        continue
      }
      const folder = keyBytes.subarray(0, cut + Buffer.byteLength(delimiter!))
      prefixes.push(folder.toString())
      while (at < this.#sorted.length && beginsWith(this.#sorted[at]!.keyBytes, folder)) at++
    }
    return {
      kind: 'storage#objects',
      ...(next === undefined ? {} : { nextPageToken: next.toString('base64url') }),
      ...(prefixes.length === 0 ? {} : { prefixes }),
      ...(items.length === 0 ? {} : { items }),
    }
  }

  #hold(object: StoredObject | undefined, { ifGenerationMatch }: { ifGenerationMatch?: string }): void {
    if (ifGenerationMatch === undefined || ifGenerationMatch === (object?.generation ?? '0')) return
    throw new NamedFailure(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.')
  }

  /** The first place whose key is not below this one. */
  #placeOf(key: Buffer): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#sorted[middle]!.keyBytes.compare(key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

function beginsWith(key: Buffer, folder: Buffer): boolean {
  return key.length >= folder.length && key.compare(folder, 0, folder.length, 0, folder.length) === 0
}

function refuseName(key: string): void {
  const isBad =
    key === '' || key === '.' || key === '..' || /[\r\n]/.test(key) || key.startsWith('.well-known/acme-challenge/')
  if (isBad || Buffer.byteLength(key) > 1024) throw new NamedFailure(400, 'invalid', 'Invalid object name.')
}
