import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, answerObject, type BucketObject, etagOf } from './bucket-object.ts'
import { S3Problem, xmlText } from './bucket-problem.ts'
import { listObjects } from './listing.ts'
import { readRequest, type SignedRead, verifySignature } from './signature.ts'

/** What a request asks for, in the names that S3's policies use. */
export type BucketAction = 'ListBucket' | 'GetObject' | 'PutObject' | 'DeleteObject'

/** How a sample bucket is started. */
export interface BucketOptions {
  /** Port on 127.0.0.1; 0 takes a free one. */
  readonly port: number
  readonly accessKeyId: string
  readonly secretKey: string
  /** `sluice-demo` unless said. */
  readonly bucket?: string
  /** `us-east-1` unless said. */
  readonly region?: string
  /** What these credentials may not do; everything is allowed unless said. */
  readonly denied?: readonly BucketAction[]
  /** How long each listing takes to be answered, so that a test can interrupt a sync in its middle. */
  readonly listingMs?: number
  /** Told of every request before it is answered; for tests that stop or change something in between. */
  onRequest?(method: string, url: string): void
}

/** A running sample bucket. */
export interface Bucket {
  /** `http://127.0.0.1:PORT`; path style only. */
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  /** Puts an object behind the API's back. `modifiedMs` is now unless given. */
  put(key: string, bytes: Buffer, contentType: string, modifiedMs?: number): void
  /** Removes an object behind the API's back. */
  remove(key: string): void
  /** The bytes of an object; undefined where there is none. */
  get(key: string): Buffer | undefined
  /** Every key, in the byte order of listings. */
  keys(): string[]
  close(): Promise<void>
}

const BODY_BYTES_MAX = 64 * 1024 * 1024
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'etag, content-length, content-range, accept-ranges, last-modified, x-amz-request-id',
}

/**
 * Starts a small S3-compatible bucket in memory, for the demo and for tests that want a bucket without installing one.
 *
 * It checks every signature, lists in byte order and answers errors in S3's own shapes, so that what works here works with a real bucket; what it
 * has been compared with, and what it lacks, is in docs/reference/demo-bucket.md. Not for anybody's real data.
 */
export async function startBucket(options: BucketOptions): Promise<Bucket> {
  const store = new ObjectStore()
  const setting = {
    bucket: options.bucket ?? 'sluice-demo',
    region: options.region ?? 'us-east-1',
    keys: { accessKeyId: options.accessKeyId, secretKey: options.secretKey },
    denied: new Set(options.denied ?? []),
    listingMs: options.listingMs ?? 0,
  }
  let requestNo = 0
  const server = createServer((request, response) => {
    options.onRequest?.(request.method ?? '', request.url ?? '')
    const requestId = (++requestNo).toString(16).padStart(16, '0').toUpperCase()
    void handle(store, setting, request)
      .catch((error: unknown) => problemAnswer(error, request, requestId))
      .then((answer) => write(request, response, answer, requestId))
  })
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(options.port, '127.0.0.1', done)
  })
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket: setting.bucket,
    region: setting.region,
    put: (key, bytes, contentType, modifiedMs = Date.now()) => store.put(key, bytes, contentType, modifiedMs),
    remove: (key) => store.remove(key),
    get: (key) => store.get(key)?.bytes,
    keys: () => store.sorted().map((object) => object.key),
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** Objects by key, with a list in byte order that is made anew after a change. */
class ObjectStore {
  readonly #objects = new Map<string, BucketObject>()
  #sorted: BucketObject[] | null = null

  put(key: string, bytes: Buffer, contentType: string, modifiedMs: number): BucketObject {
    // One character a byte: comparing these texts compares the UTF-8 bytes, as S3 orders keys. UTF-16 order would differ.
    const sortKey = Buffer.from(key, 'utf8').toString('latin1')
    const object = {
      key,
      sortKey,
      bytes,
      contentType,
      etag: etagOf(bytes),
      modifiedMs: Math.floor(modifiedMs / 1000) * 1000,
    }
    this.#objects.set(key, object)
    this.#sorted = null
    return object
  }

  get(key: string): BucketObject | undefined {
    return this.#objects.get(key)
  }

  remove(key: string): void {
    if (this.#objects.delete(key)) this.#sorted = null
  }

  sorted(): readonly BucketObject[] {
    this.#sorted ??= [...this.#objects.values()].sort((a, b) => (a.sortKey < b.sortKey ? -1 : 1))
    return this.#sorted
  }
}

interface Setting {
  readonly bucket: string
  readonly region: string
  readonly keys: { readonly accessKeyId: string; readonly secretKey: string }
  readonly denied: ReadonlySet<BucketAction>
  readonly listingMs: number
}

async function handle(store: ObjectStore, setting: Setting, request: IncomingMessage): Promise<Answer> {
  if (request.method === 'OPTIONS') return preflight(request)
  const read = readRequest(request)
  verifySignature(read, setting)
  if (read.bucket === '') throw new S3Problem(501, 'NotImplemented', 'Listing buckets is not offered here.')
  if (read.bucket !== setting.bucket) {
    throw new S3Problem(404, 'NoSuchBucket', 'The specified bucket does not exist', { BucketName: read.bucket })
  }
  const allow = (action: BucketAction) => {
    if (setting.denied.has(action))
      throw new S3Problem(403, 'AccessDenied', `User is not authorized to perform: s3:${action}`)
  }
  return read.key === ''
    ? await onBucket(store, setting, read, request, allow)
    : await onObject(store, read, request, allow)
}

type Allow = (action: BucketAction) => void

async function onBucket(
  store: ObjectStore,
  setting: Setting,
  read: SignedRead,
  request: IncomingMessage,
  allow: Allow,
): Promise<Answer> {
  if (request.method === 'HEAD') {
    allow('ListBucket')
    return { status: 200, headers: { 'x-amz-bucket-region': setting.region } }
  }
  if (request.method === 'GET' && read.query.get('list-type') === '2') {
    allow('ListBucket')
    if (setting.listingMs > 0) await new Promise((done) => setTimeout(done, setting.listingMs))
    return xml(listObjects(store.sorted(), setting.bucket, read.query))
  }
  if (request.method === 'GET' && read.query.has('location')) {
    const region = setting.region === 'us-east-1' ? '' : setting.region
    return xml(`<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${region}</LocationConstraint>`)
  }
  if (request.method === 'POST' && read.query.has('delete')) {
    const body = await readBody(request, read)
    allow('DeleteObject')
    const keys = [...body.toString('utf8').matchAll(/<Key>([\s\S]*?)<\/Key>/g)].map((match) => unescapeXml(match[1]!))
    for (const key of keys) store.remove(key)
    const isQuiet = /<Quiet>true<\/Quiet>/.test(body.toString('utf8'))
    const deleted = isQuiet ? '' : keys.map((key) => `<Deleted><Key>${xmlText(key)}</Key></Deleted>`).join('')
    return xml(`<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${deleted}</DeleteResult>`)
  }
  throw new S3Problem(
    501,
    'NotImplemented',
    'This sample bucket does not offer that; see docs/reference/demo-bucket.md.',
  )
}

async function onObject(store: ObjectStore, read: SignedRead, request: IncomingMessage, allow: Allow): Promise<Answer> {
  const plain = [...read.query.keys()].every((name) => /^(x-id|response-|x-amz-)/i.test(name))
  if (!plain)
    throw new S3Problem(501, 'NotImplemented', 'This sample bucket has no sub-resources and no multipart uploads.')
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      allow('GetObject')
      return answerObject(store.get(read.key), request, read.query, read.key)
    case 'PUT': {
      const bytes = await readBody(request, read)
      allow('PutObject')
      if (Buffer.byteLength(read.key) > 1024) throw new S3Problem(400, 'KeyTooLongError', 'Your key is too long')
      if (request.headers['if-none-match'] === '*' && store.get(read.key) !== undefined) throw preconditionFailed()
      const wanted = request.headers['if-match']
      if (wanted !== undefined && `"${store.get(read.key)?.etag}"` !== wanted) throw preconditionFailed()
      const object = store.put(read.key, bytes, request.headers['content-type'] ?? 'binary/octet-stream', Date.now())
      return { status: 200, headers: { etag: `"${object.etag}"` } }
    }
    case 'DELETE': {
      allow('DeleteObject')
      store.remove(read.key)
      return { status: 204, headers: {} }
    }
    default:
      throw new S3Problem(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.')
  }
}

function preconditionFailed(): S3Problem {
  return new S3Problem(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')
}

/** Reads the body and holds it against the digests that the request announces. */
async function readBody(request: IncomingMessage, read: SignedRead): Promise<Buffer> {
  if (/^STREAMING-/.test(read.payloadHash))
    throw new S3Problem(501, 'NotImplemented', 'Chunked uploads (aws-chunked) are not offered here.')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_BYTES_MAX)
      throw new S3Problem(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size')
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  if (read.payloadHash !== 'UNSIGNED-PAYLOAD') {
    const digest = createHash('sha256').update(body).digest()
    const given = Buffer.from(read.payloadHash, 'hex')
    if (given.length !== digest.length || !timingSafeEqual(given, digest)) {
      throw new S3Problem(
        400,
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      )
    }
  }
  const md5 = request.headers['content-md5']
  if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) {
    throw new S3Problem(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
  }
  return body
}

function preflight(request: IncomingMessage): Answer {
  return {
    status: 200,
    headers: {
      'access-control-allow-methods': 'GET, HEAD, PUT, DELETE',
      'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '*',
      'access-control-max-age': '3000',
    },
  }
}

function xml(body: string): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`),
  }
}

function problemAnswer(error: unknown, request: IncomingMessage, requestId: string): Answer {
  const problem =
    error instanceof S3Problem
      ? error
      : new S3Problem(500, 'InternalError', 'We encountered an internal error. Please try again.')
  // What is left of a refused upload is not read, so the connection cannot be used again.
  const headers: Record<string, string> = {
    'content-type': 'application/xml',
    ...(request.complete ? {} : { connection: 'close' }),
  }
  return { status: problem.status, headers, body: problem.body(request.url ?? '/', requestId) }
}

function write(request: IncomingMessage, response: ServerResponse, answer: Answer, requestId: string): void {
  const body = answer.body ?? Buffer.alloc(0)
  response.writeHead(answer.status, {
    server: 'SluiceSampleBucket',
    'x-amz-request-id': requestId,
    ...CORS,
    ...(answer.status === 204 || answer.status === 304
      ? {}
      : { 'content-length': String(answer.bodyBytes ?? body.length) }),
    ...answer.headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function unescapeXml(text: string): string {
  const names: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
    return decimal !== undefined ? String.fromCodePoint(Number(decimal)) : (names[name] ?? whole)
  })
}
