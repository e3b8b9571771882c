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
  /** First index to answer, and the first one not to. */
  readonly from: number
  readonly to: number
}

interface Found {
  readonly entries: readonly Buffer[]
  readonly prefixes: readonly string[]
  readonly keyCount: number
  /** Where the next page begins. */
  readonly next: number
  readonly lastKey: string
}

/** Answers ListObjects, both versions, over a layout. */
export class ListingAnswers {
  readonly #layout: Layout
  readonly #bucket: string
  readonly #pages: Record<KeyEncoding, RenderedPages>

  constructor(layout: Layout, bucket: string, keptBytesMax: number) {
    this.#layout = layout
    this.#bucket = bucket
    const raw = new RenderedPages(layout, 'raw', keptBytesMax)
    this.#pages = { raw, url: layout.isPlain ? raw : new RenderedPages(layout, 'url', keptBytesMax) }
  }

  /** Renders what can be kept before the first request. */
  renderAhead(): number {
    return this.#pages.url.renderAhead() + (this.#layout.isPlain ? 0 : this.#pages.raw.renderAhead())
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
    let xml = `${head}<Name>${this.#bucket}</Name><Prefix>${write(prefix)}</Prefix>`
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
    const to = prefixEnd(this.#layout, prefixBytes)
    const first = prefix === '' ? 0 : lowerBound(this.#layout, prefixBytes)
    const token = isV2 ? query.get('continuation-token') : null
    if (token !== null) return { from: Math.max(first, indexOf(token)), to }
    const after = (isV2 ? query.get('start-after') : query.get('marker')) ?? ''
    if (after === '') return { from: first, to }
    // A marker that names a folded prefix means that all below it has been seen; `start-after` means just the key.
    const isFolded = !isV2 && delimiter !== '' && after.endsWith(delimiter)
    const afterBytes = Buffer.from(after)
    const from = isFolded
      ? prefixEnd(this.#layout, afterBytes)
      : lowerBound(this.#layout, Buffer.concat([afterBytes, Buffer.from([0])]))
    return { from: Math.max(first, from), to }
  }

  #flat(window: Window, max: number, encoding: KeyEncoding): Found {
    const next = Math.max(window.from, Math.min(window.to, window.from + max))
    const lastKey = next > window.from ? this.#layout.keyAt(next - 1) : ''
    return {
      entries: this.#pages[encoding].slices(window.from, next),
      prefixes: [],
      keyCount: next - window.from,
      next,
      lastKey,
    }
  }

  #folded(window: Window, max: number, encoding: KeyEncoding, prefix: string, delimiter: string): Found {
    const entries: Buffer[] = []
    const prefixes: string[] = []
    let next = window.from
    let lastKey = ''
    while (next < window.to && entries.length + prefixes.length < max) {
      const key = this.#layout.keyAt(next)
      const cut = key.indexOf(delimiter, prefix.length)
      if (cut < 0) {
        entries.push(...this.#pages[encoding].slices(next, next + 1))
        lastKey = key
        next += 1
      } else {
        lastKey = key.slice(0, cut + delimiter.length)
        prefixes.push(lastKey)
        next = Math.max(next + 1, prefixEnd(this.#layout, Buffer.from(lastKey)))
      }
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
