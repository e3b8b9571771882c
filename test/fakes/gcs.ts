import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FakeBucket, NamedFailure, type StoredObject } from './gcs-bucket.ts'
import { type FakeAccount, FakeIdentities, type NewAccount } from './gcs-identity.ts'
import { UploadSessions } from './gcs-uploads.ts'
import { give, type ScriptedAnswer } from './s3-faults.ts'

/** A request as the fake got it, without its credentials. */
export interface SeenCall {
  readonly method: string
  /** Path and query; signatures and upload ids are left out. */
  readonly target: string
}

/** Google Cloud Storage, its log-ins and its signatures, on loopback; see `gcs-fidelity.md` beside it. */
export interface FakeGcs {
  readonly endpoint: string
  readonly buckets: ReadonlyMap<string, FakeBucket>
  readonly identities: FakeIdentities
  readonly seen: SeenCall[]
  /** Looked at before each request: what it answers is given instead. */
  interfere: ((call: SeenCall) => ScriptedAnswer | undefined) | null
  /** So many pieces of uploads lose their connection after a part has arrived. */
  uploadsToBreak: number
  addBucket(name: string): FakeBucket
  addAccount(account?: NewAccount): FakeAccount
  stop(): Promise<void>
}

/** Starts the fake; it forgets everything when it is stopped. */
export async function startFakeGcs(): Promise<FakeGcs> {
  const buckets = new Map<string, FakeBucket>()
  const server = createServer((request, response) => {
    const target = (request.url ?? '/').replace(/([?&](?:X-Goog-Signature|upload_id)=)[^&]*/g, '$1…')
    const call = { method: request.method ?? '', target }
    fake.seen.push(call)
    const instead = fake.interfere?.(call)
    if (instead !== undefined) {
      request.resume()
      void Promise.resolve(instead.after).then(() => give(instead, response))
      return
    }
    answer(fake, sessions, request, response).catch((error: unknown) => tell(error, request, response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const identities = new FakeIdentities(endpoint)
  const fake: FakeGcs = {
    endpoint,
    buckets,
    identities,
    seen: [],
    interfere: null,
    uploadsToBreak: 0,
    addBucket: (name) => {
      const bucket = new FakeBucket(name)
      buckets.set(name, bucket)
      return bucket
    },
    addAccount: (account) => identities.add(account),
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  const sessions = new UploadSessions(fake)
  return fake
}

async function answer(
  fake: FakeGcs,
  sessions: UploadSessions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', fake.endpoint)
  // Only what is raw tells `a%2Fb` from `a/b`.
  const parts = (request.url ?? '/').split('?')[0]!.split('/').slice(1).map(decodeURIComponent)
  if (await fake.identities.answer(request, response, url)) return
  if (url.searchParams.has('X-Goog-Algorithm')) return answerSigned(fake, request, response)
  const isUpload = parts[0] === 'upload'
  const [service, version, b, bucketName, o, key] = isUpload ? parts.slice(1) : parts
  if (service !== 'storage' || version !== 'v1' || b !== 'b' || bucketName === undefined) throw notFound()
  const session = url.searchParams.get('upload_id')
  // Whoever has a session's address needs no token.
  if (isUpload && session !== null) return sessions.answer(session, request, response)
  const may = await fake.identities.caller(request)
  const bucket = fake.buckets.get(bucketName)
  if (bucket === undefined) throw new NamedFailure(404, 'notFound', 'The specified bucket does not exist.')
  const { method } = request
  const query = url.searchParams
  if (isUpload && method === 'POST') {
    may('storage.objects.create')
    const name = query.get('name')
    if (query.get('uploadType') === 'resumable') return sessions.open(bucket, may, request, response, url)
    if (query.get('uploadType') !== 'media' || name === null) throw new NamedFailure(400, 'invalid', 'No such upload.')
    if (bucket.get(name) !== undefined) may('storage.objects.delete')
    const bytes = await bodyOf(request)
    const made = bucket.put(name, bytes, { contentType: request.headers['content-type'], ...conditionsOf(query) })
    return sendJson(response, pick(bucket.document(made), query.get('fields')))
  }
  if (o === undefined && method === 'GET') {
    may('storage.buckets.get')
    return sendJson(response, { kind: 'storage#bucket', name: bucketName, location: 'EU' })
  }
  if (o !== 'o') throw notFound()
  if (key === undefined && method === 'GET') {
    may('storage.objects.list')
    return sendJson(response, pick(bucket.list(query), query.get('fields')), query.get('prettyPrint') !== 'false')
  }
  if (key === undefined) throw new NamedFailure(405, 'methodNotAllowed', 'Not that way.')
  if (method === 'DELETE') {
    may('storage.objects.delete')
    bucket.remove(key, conditionsOf(query))
    response.writeHead(204).end()
    return
  }
  if (method !== 'GET') throw new NamedFailure(405, 'methodNotAllowed', 'Not that way.')
  may('storage.objects.get')
  const object = bucket.require(key, conditionsOf(query))
  if (query.get('alt') === 'media') return sendBytes(request, response, object, {})
  sendJson(response, pick(bucket.document(object), query.get('fields')))
}

/** An address that somebody else was given: the XML API, which answers with XML. */
async function answerSigned(fake: FakeGcs, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const verdict = fake.identities.verifySigned(request)
  const sendXml = (status: number, code: string) => {
    response.writeHead(status, { 'content-type': 'application/xml; charset=UTF-8' })
    response.end(`<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code></Error>`)
  }
  if (typeof verdict === 'string') return sendXml(verdict === 'ExpiredToken' ? 400 : 403, verdict)
  const [path, text] = request.url!.split('?')
  const [name = '', ...rest] = path!.slice(1).split('/')
  const key = rest.map(decodeURIComponent).join('/')
  const bucket = fake.buckets.get(name)
  if (bucket === undefined) return sendXml(404, 'NoSuchBucket')
  const isPut = request.method === 'PUT'
  if (!verdict.may(isPut ? 'storage.objects.create' : 'storage.objects.get')) return sendXml(403, 'AccessDenied')
  if (isPut) {
    const { generation } = bucket.put(key, await bodyOf(request), { contentType: request.headers['content-type'] })
    response.writeHead(200, { 'x-goog-generation': generation }).end()
    return
  }
  const object = bucket.get(key)
  if (object === undefined) return sendXml(404, 'NoSuchKey')
  const query = new URLSearchParams(text)
  const type = query.get('response-content-type')
  const disposition = query.get('response-content-disposition')
  sendBytes(request, response, object, {
    ...(type === null ? {} : { 'content-type': type }),
    ...(disposition === null ? {} : { 'content-disposition': disposition }),
  })
}

function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  object: StoredObject,
  more: Record<string, string>,
): void {
  const { bytes } = object
  const headers = {
    'content-type': object.contentType,
    'x-goog-generation': object.generation,
    'x-goog-stored-content-length': String(bytes.length),
    'last-modified': new Date(object.updatedMs).toUTCString(),
    ...more,
  }
  const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  if (asked === null) {
    response.writeHead(200, { ...headers, 'content-length': String(bytes.length) }).end(bytes)
    return
  }
  const start = Number(asked[1])
  const end = Math.min(asked[2] === '' ? Infinity : Number(asked[2]), bytes.length - 1)
  if (start >= bytes.length)
    throw new NamedFailure(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable')
  const part = bytes.subarray(start, end + 1)
  const range = { 'content-range': `bytes ${start}-${end}/${bytes.length}`, 'content-length': String(part.length) }
  response.writeHead(206, { ...headers, ...range }).end(part)
}

/** Preconditions of a request's query. */
export function conditionsOf(query: URLSearchParams): { ifGenerationMatch?: string } {
  const asked = query.get('ifGenerationMatch')
  return asked === null ? {} : { ifGenerationMatch: asked }
}

/** The whole body. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** Answers with JSON, laid out as Google does unless asked not to. */
export function sendJson(response: ServerResponse, document: object, isPretty = true): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' })
  response.end(JSON.stringify(document, undefined, isPretty ? 2 : 0))
}

/** What of a document `fields` asks for: names, and names in brackets behind one. https://cloud.google.com/storage/docs/json_api#partial-response */
export function pick(document: object, fields: string | null): object {
  if (fields === null) return document
  const picked: Record<string, unknown> = {}
  for (const [, name, inner] of fields.matchAll(/([A-Za-z]+)(?:\(([^)]*)\))?/g)) {
    const value = (document as Record<string, unknown>)[name!]
    if (value === undefined) continue
    picked[name!] = inner !== undefined && Array.isArray(value) ? value.map((one) => pick(one, inner)) : value
  }
  return picked
}

function notFound(): NamedFailure {
  return new NamedFailure(404, 'notFound', 'Not Found')
}

function tell(error: unknown, request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  if (response.headersSent || !(error instanceof NamedFailure)) {
    response.destroy()
    return
  }
  const { status, reason, message } = error
  if (/[?&]alt=media(&|$)/.test(request.url ?? '')) {
    response.writeHead(status, { 'content-type': 'text/html; charset=UTF-8' }).end(message)
    return
  }
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' })
  response.end(JSON.stringify({ error: { code: status, message, errors: [{ message, domain: 'global', reason }] } }))
}
