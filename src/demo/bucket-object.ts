import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { S3Problem } from './bucket-problem.ts'

/** One object of the sample bucket. */
export interface BucketObject {
  readonly key: string
  /** The key's UTF-8 bytes, one character each, so that comparing texts compares bytes. */
  readonly sortKey: string
  readonly bytes: Buffer
  readonly contentType: string
  /** Without quotes. */
  readonly etag: string
  /** Whole seconds, in milliseconds since 1970. */
  readonly modifiedMs: number
}

/** An answer before it is written. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** What `content-length` says when it is not the body's size. */
  readonly bodyBytes?: number
}

/** The etag S3 gives to an object that was put in one piece: the MD5 of its bytes. */
export function etagOf(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex')
}

/**
 * Answers GET and HEAD of an object: conditions, one range, and the answer headers that a signed address may ask for.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export function answerObject(
  object: BucketObject | undefined,
  request: IncomingMessage,
  query: ReadonlyMap<string, string>,
  key: string,
): Answer {
  if (object === undefined) throw new S3Problem(404, 'NoSuchKey', 'The specified key does not exist.', { Key: key })
  const quoted = `"${object.etag}"`
  const headers: Record<string, string> = {
    etag: quoted,
    'last-modified': new Date(object.modifiedMs).toUTCString(),
    'accept-ranges': 'bytes',
    'content-type': query.get('response-content-type') ?? object.contentType,
  }
  const disposition = query.get('response-content-disposition')
  if (disposition !== undefined) headers['content-disposition'] = disposition
  const match = request.headers['if-match']
  if (match !== undefined && match !== quoted && match !== '*' && match !== object.etag) {
    throw new S3Problem(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')
  }
  const noneMatch = request.headers['if-none-match']
  if (noneMatch !== undefined && (noneMatch === quoted || noneMatch === '*' || noneMatch === object.etag))
    return { status: 304, headers }
  const range = parseRange(request.headers.range, object.bytes.length)
  if (range === null) return { status: 200, headers, body: object.bytes }
  const body = object.bytes.subarray(range.start, range.end + 1)
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${range.start}-${range.end}/${object.bytes.length}` },
    body,
  }
}

/** One range of bytes, ends included; null when there is none or it is malformed, which S3 takes as none. */
function parseRange(header: string | undefined, size: number): { start: number; end: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return null
  const [first, last] = [match[1]!, match[2]!]
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(size - 1, Number(last))
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null
  if (start >= size || (first === '' && Number(last) === 0)) {
    throw new S3Problem(416, 'InvalidRange', 'The requested range is not satisfiable', {
      ActualObjectSize: String(size),
    })
  }
  return { start, end }
}
