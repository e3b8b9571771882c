import type { Bucket } from './bucket.ts'
import { type KeyEncoding, writtenKey } from './entry.ts'
import { type Layout, lowerBound, prefixEnd } from './layouts.ts'
import { RenderedPages } from './pages.ts'

/** An answer ready to be written, and how many keys and prefixes it holds. */
export interface Answer {
  readonly parts: readonly Buffer[]
  readonly keyCount: number
}

const pageMax = 1000
const head =
  '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
const tail = Buffer.from('</ListBucketResult>')

interface Window {
  /** First slot to answer, and the first one not to. */
  readonly from: number
  readonly to: number
}

interface Found {
  readonly entries: readonly Buffer[]
  readonly prefixes: readonly string[]
  readonly keyCount: number
  /** Slot of the first object of the next page; the window's end when there is none. */
  readonly next: number
  readonly lastKey: string
}

/** Answers ListObjects, both versions, over a bucket. */
export class ListingAnswers {
  readonly #keys: Layout
  readonly #name: string
  readonly #pages: Record<KeyEncoding, RenderedPages>

  constructor(bucket: Bucket, name: string, keptBytesMax: number) {
    this.#keys = bucket.keys
    this.#name = name
    const raw = new RenderedPages(bucket, 'raw', keptBytesMax)
    this.#pages = { raw, url: bucket.keys.isPlain ? raw : new RenderedPages(bucket, 'url', keptBytesMax) }
  }

  /** Renders what can be kept before the first request. */
  renderAhead(): void {
    for (const pages of this.#everyPages()) pages.renderAhead()
  }

  /** Renders what the bucket's last change touched; to be called after each. */
  renderChanged(): void {
    for (const pages of this.#everyPages()) pages.renderChanged()
  }

  #everyPages(): Set<RenderedPages> {
    return new Set([this.#pages.raw, this.#pages.url])
  }

  /** Answers one listing request from its query. */
  answer(query: URLSearchParams): Answer {
    const isV2 = query.get('list-type') === '2'
    const encoding: KeyEncoding = query.get('encoding-type') === 'url' ? 'url' : 'raw'
    const prefix = query.get('prefix') ?? ''
    const delimiter = query.get('delimiter') ?? ''
    const asked = Number(query.get('max-keys') ?? pageMax)
    const max = Number.isInteger(asked) && asked >= 0 ? Math.min(asked, pageMax) : pageMax
    const window = this.#window(query, isV2, prefix, delimiter)
    const found =
      delimiter === '' ? this.#flat(window, max, encoding) : this.#folded(window, max, encoding, prefix, delimiter)
    const isTruncated = max > 0 && found.next < window.to

    const write = (text: string) => writtenKey(text, encoding)
    let xml = `${head}<Name>${this.#name}</Name><Prefix>${write(prefix)}</Prefix>`
    if (isV2) {
      const [token, after] = [query.get('continuation-token'), query.get('start-after')]
      if (token !== null) xml += `<ContinuationToken>${token}</ContinuationToken>`
      if (isTruncated) xml += `<NextContinuationToken>${tokenOf(found.next)}</NextContinuationToken>`
      if (after !== null) xml += `<StartAfter>${write(after)}</StartAfter>`
      xml += `<KeyCount>${found.keyCount}</KeyCount>`
    } else {
      xml += `<Marker>${write(query.get('marker') ?? '')}</Marker>`
      if (isTruncated && delimiter !== '') xml += `<NextMarker>${write(found.lastKey)}</NextMarker>`
    }
    xml += `<MaxKeys>${Number.isInteger(asked) && asked >= 0 ? asked : pageMax}</MaxKeys>`
    if (delimiter !== '') xml += `<Delimiter>${write(delimiter)}</Delimiter>`
    if (encoding === 'url') xml += '<EncodingType>url</EncodingType>'
    xml += `<IsTruncated>${isTruncated}</IsTruncated>`
    const folded = found.prefixes
      .map((text) => `<CommonPrefixes><Prefix>${write(text)}</Prefix></CommonPrefixes>`)
      .join('')
    return { parts: [Buffer.from(xml), ...found.entries, Buffer.from(folded), tail], keyCount: found.keyCount }
  }

  #window(query: URLSearchParams, isV2: boolean, prefix: string, delimiter: string): Window {
    const prefixBytes = Buffer.from(prefix)
    const to = prefixEnd(this.#keys, prefixBytes)
    const first = prefix === '' ? 0 : lowerBound(this.#keys, prefixBytes)
    const token = isV2 ? query.get('continuation-token') : null
    if (token !== null) return { from: Math.max(first, indexOf(token)), to }
    const after = (isV2 ? query.get('start-after') : query.get('marker')) ?? ''
    if (after === '') return { from: first, to }
    // A marker that names a folded prefix means that all below it has been seen; `start-after` means just the key.
    const isFolded = !isV2 && delimiter !== '' && after.endsWith(delimiter)
    const afterBytes = Buffer.from(after)
    const from = isFolded
      ? prefixEnd(this.#keys, afterBytes)
      : lowerBound(this.#keys, Buffer.concat([afterBytes, Buffer.from([0])]))
    return { from: Math.max(first, from), to }
  }

  #flat(window: Window, max: number, encoding: KeyEncoding): Found {
    const { entries, count, lastSlot, next } = this.#pages[encoding].take(window.from, window.to, max)
    const lastKey = lastSlot < 0 ? '' : this.#keys.keyAt(lastSlot)
    return { entries, prefixes: [], keyCount: count, next, lastKey }
  }

  #folded(window: Window, max: number, encoding: KeyEncoding, prefix: string, delimiter: string): Found {
    const pages = this.#pages[encoding]
    const entries: Buffer[] = []
    const prefixes: string[] = []
    let next = pages.nextObject(window.from, window.to)
    let lastKey = ''
    while (next < window.to && entries.length + prefixes.length < max) {
      const key = this.#keys.keyAt(next)
      const cut = key.indexOf(delimiter, prefix.length)
      let after = next + 1
      if (cut < 0) {
        entries.push(...pages.take(next, after, 1).entries)
        lastKey = key
      } else {
        lastKey = key.slice(0, cut + delimiter.length)
        prefixes.push(lastKey)
        after = Math.max(after, prefixEnd(this.#keys, Buffer.from(lastKey)))
      }
      next = pages.nextObject(Math.min(after, window.to), window.to)
    }
    return { entries, prefixes, keyCount: entries.length + prefixes.length, next, lastKey }
  }
}

// Tokens are opaque to callers; a real one is no key either.
function tokenOf(index: number): string {
  return Buffer.from(`replay:${index}`).toString('base64url')
}

function indexOf(token: string): number {
  const index = Number(Buffer.from(token, 'base64url').toString('latin1').slice('replay:'.length))
  return Number.isSafeInteger(index) ? index : 0
}
