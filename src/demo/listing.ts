import type { BucketObject } from './bucket-object.ts'
import { S3Problem, xmlText } from './bucket-problem.ts'

const KEYS_MAX = 1000

interface Page {
  readonly objects: readonly BucketObject[]
  readonly prefixes: readonly string[]
  /** Where the next page starts, when more follows. */
  readonly next: string | null
}

/**
 * One page of ListObjectsV2 in S3's own XML: byte order, `prefix`, `delimiter`, `start-after`, `continuation-token`, `max-keys`, `encoding-type`.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export function listObjects(
  sorted: readonly BucketObject[],
  bucket: string,
  query: ReadonlyMap<string, string>,
): string {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const startAfter = query.get('start-after') ?? ''
  const token = query.get('continuation-token')
  const maxKeys = parseMaxKeys(query.get('max-keys'))
  const encoding = query.get('encoding-type')
  if (encoding !== undefined && encoding !== 'url') throw invalid('Invalid Encoding Method specified in Request')
  const after = token === undefined ? latin1(startAfter) : openToken(token)
  const page = cut(sorted, {
    prefix: latin1(prefix),
    delimiter: latin1(delimiter),
    after,
    isToken: token !== undefined,
    maxKeys,
  })
  const text = encoding === 'url' ? urlText : xmlText
  const parts = [
    `<Name>${bucket}</Name><Prefix>${text(prefix)}</Prefix>`,
    startAfter === '' ? '' : `<StartAfter>${text(startAfter)}</StartAfter>`,
    token === undefined ? '' : `<ContinuationToken>${xmlText(token)}</ContinuationToken>`,
    page.next === null ? '' : `<NextContinuationToken>${makeToken(page.next)}</NextContinuationToken>`,
    `<KeyCount>${page.objects.length + page.prefixes.length}</KeyCount><MaxKeys>${maxKeys}</MaxKeys>`,
    delimiter === '' ? '' : `<Delimiter>${text(delimiter)}</Delimiter>`,
    encoding === undefined ? '' : '<EncodingType>url</EncodingType>',
    `<IsTruncated>${page.next !== null}</IsTruncated>`,
    ...page.objects.map((object) => contents(object, text)),
    ...page.prefixes.map((folded) => `<CommonPrefixes><Prefix>${text(utf8(folded))}</Prefix></CommonPrefixes>`),
  ]
  return `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</ListBucketResult>`
}

function contents(object: BucketObject, text: (key: string) => string): string {
  const modified = new Date(object.modifiedMs).toISOString()
  return (
    `<Contents><Key>${text(object.key)}</Key><LastModified>${modified}</LastModified><ETag>&quot;${object.etag}&quot;</ETag>` +
    `<Size>${object.bytes.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`
  )
}

interface Cut {
  readonly prefix: string
  readonly delimiter: string
  readonly after: string
  /** Whether `after` comes from a page of ours and may therefore be a folded prefix. */
  readonly isToken: boolean
  readonly maxKeys: number
}

/** Cuts one page out of the sorted objects; all texts are one character a byte. */
function cut(sorted: readonly BucketObject[], { prefix, delimiter, after, isToken, maxKeys }: Cut): Page {
  const objects: BucketObject[] = []
  const prefixes: string[] = []
  let last = after
  for (
    let i = firstAbove(sorted, after > prefix ? after : prefix, after >= prefix && after !== '');
    i < sorted.length;
    i++
  ) {
    const object = sorted[i]!
    if (!object.sortKey.startsWith(prefix)) break
    const end = delimiter === '' ? -1 : object.sortKey.indexOf(delimiter, prefix.length)
    const folded = end < 0 ? null : object.sortKey.slice(0, end + delimiter.length)
    // Keys below a folder that the page before ended with are told already.
    if (folded !== null && (folded === prefixes.at(-1) || (isToken && folded === after))) continue
    if (objects.length + prefixes.length === maxKeys) return { objects, prefixes, next: maxKeys === 0 ? null : last }
    if (folded === null) objects.push(object)
    else prefixes.push(folded)
    last = folded ?? object.sortKey
  }
  return { objects, prefixes, next: null }
}

/** Index of the first object at or (`isExclusive`) above a key. */
function firstAbove(sorted: readonly BucketObject[], key: string, isExclusive: boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const at = sorted[middle]!.sortKey
    if (at < key || (isExclusive && at === key)) low = middle + 1
    else high = middle
  }
  return low
}

function parseMaxKeys(text: string | undefined): number {
  if (text === undefined || text === '') return KEYS_MAX
  if (!/^\d{1,10}$/.test(text)) throw invalid('Provided max-keys not an integer or within integer range')
  return Math.min(KEYS_MAX, Number(text))
}

function makeToken(after: string): string {
  return Buffer.from(`1${after}`, 'latin1').toString('base64')
}

function openToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString('latin1')
  if (!text.startsWith('1') || makeToken(text.slice(1)) !== token)
    throw invalid('The continuation token provided is incorrect')
  return text.slice(1)
}

function invalid(message: string): S3Problem {
  return new S3Problem(400, 'InvalidArgument', message)
}

const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')
const utf8 = (text: string) => Buffer.from(text, 'latin1').toString('utf8')

/** The form of `encoding-type=url`: that of web forms, with slashes kept. */
function urlText(text: string): string {
  let out = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const one = String.fromCharCode(byte)
    if (/[A-Za-z0-9\-_.*/]/.test(one)) out += one
    else out += byte === 0x20 ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}
