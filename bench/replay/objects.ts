import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ABSENT, type Bucket } from './bucket.ts'
import type { ObjectFacts } from './entry.ts'
import { lowerBound } from './layouts.ts'

interface Stored {
  readonly body: Buffer
  readonly etag: string
  readonly modifiedMs: number
}

/** The largest body made up for a generated object; benchmarks list, they do not download. */
const bodyBytesMax = 1 << 20

/** Single objects: those of the bucket, with zeros for content, and the few that a driver check puts; enough for that check and for rclone. */
export class ObjectAnswers {
  readonly #bucket: Bucket
  readonly #written = new Map<string, Stored>()

  constructor(bucket: Bucket) {
    this.#bucket = bucket
  }

  /** Answers one request for one key. */
  async answer(request: IncomingMessage, response: ServerResponse, key: string): Promise<void> {
    switch (request.method) {
      case 'PUT':
        return this.#put(request, response, key)
      case 'DELETE':
        this.#written.delete(key)
        response.writeHead(204).end()
        return
      case 'GET':
      case 'HEAD':
        return this.#get(request, response, key)
      default:
        answerError(response, 405, 'MethodNotAllowed')
    }
  }

  /** Answers a multi-object delete; generated objects stay, so that a run can be repeated. */
  async removeMany(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = (await bodyOf(request)).toString()
    for (const match of text.matchAll(/<Key>([^<]*)<\/Key>/g)) this.#written.delete(match[1]!)
    response.writeHead(200, { 'content-type': 'application/xml' })
    response.end(
      '<?xml version="1.0" encoding="UTF-8"?><DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></DeleteResult>',
    )
  }

  async #put(request: IncomingMessage, response: ServerResponse, key: string): Promise<void> {
    const body = withoutChunkSignatures(await bodyOf(request), request)
    if (request.headers['if-none-match'] === '*' && this.#find(key) !== undefined)
      return answerError(response, 412, 'PreconditionFailed')
    const etag = createHash('md5').update(body).digest('hex')
    this.#written.set(key, { body, etag, modifiedMs: Date.now() })
    response.writeHead(200, { etag: `"${etag}"` }).end()
  }

  #get(request: IncomingMessage, response: ServerResponse, key: string): void {
    const found = this.#find(key)
    if (found === undefined) {
      answerError(response, 404, 'NoSuchKey')
      return
    }
    const headers: Record<string, string | number> = {
      etag: `"${found.etag}"`,
      'last-modified': new Date(found.modifiedMs).toUTCString(),
      'accept-ranges': 'bytes',
      'content-type': 'application/octet-stream',
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
    const size = found.body === undefined ? found.sizeBytes : found.body.length
    const start = range === null ? 0 : Number(range[1])
    const end = range === null || range[2] === '' ? size - 1 : Math.min(size - 1, Number(range[2]))
    if (range !== null && start >= size) {
      answerError(response, 416, 'InvalidRange')
      return
    }
    if (range !== null) headers['content-range'] = `bytes ${start}-${end}/${size}`
    const length = end - start + 1
    headers['content-length'] = length
    response.writeHead(range === null ? 200 : 206, headers)
    if (request.method === 'HEAD') response.end()
    else if (found.body !== undefined) response.end(found.body.subarray(start, end + 1))
    else if (length <= bodyBytesMax) response.end(Buffer.alloc(length))
    else response.destroy()
  }

  #find(key: string): (ObjectFacts & { readonly body?: Buffer }) | undefined {
    const written = this.#written.get(key)
    if (written !== undefined) return { ...written, sizeBytes: written.body.length }
    const { keys } = this.#bucket
    const slot = lowerBound(keys, Buffer.from(key))
    if (slot >= keys.count || keys.keyAt(slot) !== key) return undefined
    const version = this.#bucket.versionAt(slot)
    return version === ABSENT ? undefined : this.#bucket.factsOf(slot, version)
  }
}

/** An S3 error document. */
export function answerError(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message><RequestId>replay</RequestId></Error>`,
  )
}

/** The whole body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/** Official SDKs send small bodies in `aws-chunked` form; this takes the content out of it. */
function withoutChunkSignatures(body: Buffer, request: IncomingMessage): Buffer {
  if (!String(request.headers['content-encoding'] ?? '').includes('aws-chunked')) return body
  const parts: Buffer[] = []
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf('\r\n', at)
    const length = Number.parseInt(body.toString('latin1', at, lineEnd), 16)
    if (lineEnd < 0 || !(length > 0)) return Buffer.concat(parts)
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + length))
    at = lineEnd + 2 + length + 2
  }
}
