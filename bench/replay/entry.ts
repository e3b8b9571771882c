import { createHash } from 'node:crypto'
import { type Layout, mix } from './layouts.ts'

/** Keeps the versions of an object apart: each has seeds of its own, version 0 those below. */
const seedsPerVersion = 16

/** Size in bytes of the object at an index: 8 KiB to 4 MiB, and now and then nothing or more than 32 bits hold. */
export function sizeAt(index: number, version = 0): number {
  if (index % 5_000 === 4_999) return 0
  if (index % 50_000 === 25_000) return 5_368_709_121
  return 8_192 + (mix(index, 1 + version * seedsPerVersion) % 4_186_112)
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0')
}

/** ETag without quotes: 32 hex digits, and one in 64 as multipart uploads have it, with a number of parts. */
export function etagAt(index: number, version = 0): string {
  const seed = version * seedsPerVersion
  const half = hex32(mix(index, seed + 2)) + hex32(mix(index, seed + 3))
  const digits = half + hex32(mix(index, seed + 4)) + hex32(mix(index, seed + 5))
  return index % 64 === 63 ? `${digits}-${2 + (index % 9)}` : digits
}

/**
 * Modification time in whole seconds, as S3 gives it, in milliseconds since 1970. Neighbours were uploaded together: each hundred within
 * an hour, somewhere in a year and a half; later versions on a day of their own after that.
 */
export function modifiedAt(index: number, version = 0): number {
  if (version > 0) return 1_767_225_600_000 + version * 86_400_000 + (mix(index, 8) % 86_400) * 1_000
  const hour = mix(Math.floor(index / 100), 6) % 13_000
  return 1_704_067_200_000 + hour * 3_600_000 + (mix(index, 8) % 3_600) * 1_000
}

/** What a listing says of one object, beside its key. */
export interface ObjectFacts {
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedMs: number
}

/** How keys stand in a listing: as they are, or as `encoding-type=url` asks. */
export type KeyEncoding = 'raw' | 'url'

/** A text inside XML, as S3 writes it; control characters as references. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"\x00-\x1f]/g, (c) => {
    if (c === '&') return '&amp;'
    if (c === '<') return '&lt;'
    if (c === '>') return '&gt;'
    if (c === '"') return '&quot;'
    return `&#x${c.charCodeAt(0).toString(16)};`
  })
}

/** A text as S3 URL-encodes it in listings: a space as `+`, a slash as it is. */
export function encodeUrl(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/')
}

/** A key, prefix or the like as it stands in the answer. */
export function writtenKey(key: string, encoding: KeyEncoding): string {
  return encoding === 'url' ? encodeUrl(key) : escapeXml(key)
}

/** The `<Contents>` of one object. */
export function renderEntry(key: string, facts: ObjectFacts, encoding: KeyEncoding | 'plain'): string {
  const written = encoding === 'plain' ? key : writtenKey(key, encoding)
  const modified = new Date(facts.modifiedMs).toISOString()
  return `<Contents><Key>${written}</Key><LastModified>${modified}</LastModified><ETag>&quot;${facts.etag}&quot;</ETag><Size>${facts.sizeBytes}</Size><StorageClass>STANDARD</StorageClass></Contents>`
}

/** What a set of objects amounts to, whatever their order: equal sums mean the same keys with the same sizes and etags. */
export interface SetSum {
  readonly count: number
  readonly bytes: number
  /** Sum of the first 48 bits of the MD5 of `key|size|etag` of each, in decimal. */
  readonly checksum: string
}

/** Adds objects up to a `SetSum`; the same sum is computed in SQL (`sums.ts`) and by every lister that is measured. */
export class SetSummer {
  #objects = 0
  #bytes = 0
  // Two halves of 24 bits stay exact in a number for half a billion objects.
  #high = 0
  #low = 0

  add(key: string, sizeBytes: number, etag: string): void {
    this.#count(key, sizeBytes, etag, 1)
  }

  /** Takes away an object that was added before. */
  remove(key: string, sizeBytes: number, etag: string): void {
    this.#count(key, sizeBytes, etag, -1)
  }

  #count(key: string, sizeBytes: number, etag: string, sign: 1 | -1): void {
    const digest = createHash('md5').update(`${key}|${sizeBytes}|${etag}`).digest()
    this.#objects += sign
    this.#bytes += sign * sizeBytes
    this.#high += sign * digest.readUIntBE(0, 3)
    this.#low += sign * digest.readUIntBE(3, 3)
  }

  sum(): SetSum {
    const checksum = (BigInt(this.#high) << 24n) + BigInt(this.#low)
    return { count: this.#objects, bytes: this.#bytes, checksum: checksum.toString() }
  }
}

/** The truth about a layout, computed from the generator alone. */
export function oracleOf(layout: Layout): SetSum {
  const summer = new SetSummer()
  for (let index = 0; index < layout.count; index++) summer.add(layout.keyAt(index), sizeAt(index), etagAt(index))
  return summer.sum()
}
