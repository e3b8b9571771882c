// A container registry in this process: what the real one does not do on demand (pages, tokens, redirects, lies), said by the test.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** A request as the registry got it. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly body: string
}

/** Answers a request in place of the registry; false leaves it to the registry. */
export type Instead = (request: Seen, response: ServerResponse) => boolean

/** A fake registry. */
export interface FakeRegistry {
  /** `http://127.0.0.1:port` */
  readonly origin: string
  readonly host: string
  /** All requests, oldest first. */
  readonly seen: Seen[]
  /** Set by a test to answer some requests itself; null: none. */
  instead: Instead | null
  /** Names of one page of a list; what is asked for beyond it is not given. */
  pageMax: number
  /** `Authorization` headers that are accepted; null: every request. */
  accepted: Set<string> | null
  /** `WWW-Authenticate` of refusals. */
  challenge: string
  /** Whether there is a catalog. */
  hasCatalog: boolean
  addBlob(repository: string, bytes: Buffer | string): { digest: string; size: number }
  /** Adds a manifest by its digest and, unless null, a tag. */
  addManifest(
    repository: string,
    tag: string | null,
    manifest: object | string,
    mediaType?: string,
  ): { digest: string; size: number; mediaType: string }
  untag(repository: string, tag: string): void
  close(): Promise<void>
}

interface Repository {
  readonly blobs: Map<string, Buffer>
  readonly manifests: Map<string, { bytes: Buffer; mediaType: string }>
  readonly tags: Map<string, string>
}

const IMAGE = 'application/vnd.oci.image.manifest.v1+json'

/** Starts one on a free loopback port. */
export async function startFakeRegistry(): Promise<FakeRegistry> {
  const repositories = new Map<string, Repository>()
  const of = (name: string) => {
    const found = repositories.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() }
    repositories.set(name, found)
    return found
  }
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as { port: number }).port}`
  const fake: FakeRegistry = {
    origin: `http://${host}`,
    host,
    seen: [],
    instead: null,
    pageMax: 1000,
    accepted: null,
    challenge: 'Basic realm="fake"',
    hasCatalog: true,
    addBlob(repository, content) {
      const bytes = Buffer.from(content)
      const digest = digestOf(bytes)
      of(repository).blobs.set(digest, bytes)
      return { digest, size: bytes.length }
    },
    addManifest(repository, tag, manifest, mediaType = IMAGE) {
      const bytes = Buffer.from(typeof manifest === 'string' ? manifest : JSON.stringify(manifest))
      const digest = digestOf(bytes)
      of(repository).manifests.set(digest, { bytes, mediaType })
      if (tag !== null) of(repository).tags.set(tag, digest)
      return { digest, size: bytes.length, mediaType }
    },
    untag: (repository, tag) => void of(repository).tags.delete(tag),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += chunk
    const { authorization } = request.headers
    const seen = { method: request.method ?? '', url: request.url ?? '', authorization, body }
    fake.seen.push(seen)
    if (fake.instead?.(seen, response) === true) return
    const url = new URL(seen.url, fake.origin)
    response.setHeader('docker-distribution-api-version', 'registry/2.0')
    if (fake.accepted !== null && !fake.accepted.has(authorization ?? '')) {
      response.setHeader('www-authenticate', fake.challenge)
      return fail(response, 401, 'UNAUTHORIZED')
    }
    if (url.pathname === '/v2/') return json(response, {})
    if (url.pathname === '/v2/_catalog') {
      if (!fake.hasCatalog) return fail(response, 404, 'UNSUPPORTED')
      return list(response, url, 'repositories', [...repositories.keys()].sort(), fake.pageMax)
    }
    const [, name, kind, reference] = /^\/v2\/(.+)\/(tags|manifests|blobs)\/([^/]+)$/.exec(url.pathname) ?? []
    const found = repositories.get(name ?? '')
    if (found === undefined) return fail(response, 404, 'NAME_UNKNOWN')
    if (kind === 'tags') return list(response, url, 'tags', [...found.tags.keys()].sort(), fake.pageMax)
    if (kind === 'blobs') {
      const bytes = found.blobs.get(reference!)
      return bytes === undefined ? fail(response, 404, 'BLOB_UNKNOWN') : sendBlob(request, response, bytes)
    }
    const digest = found.tags.get(reference!) ?? reference!
    const manifest = found.manifests.get(digest)
    if (manifest === undefined) return fail(response, 404, 'MANIFEST_UNKNOWN')
    response.writeHead(200, { 'content-type': manifest.mediaType, 'docker-content-digest': digest }).end(manifest.bytes)
  }
  return fake
}

/** The sha256 digest of bytes, as registries write it. */
export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function fail(response: ServerResponse, status: number, code: string): void {
  const body = JSON.stringify({ errors: [{ code, message: 'CANARY of the registry' }] })
  response.writeHead(status, { 'content-type': 'application/json' }).end(body)
}

function list(response: ServerResponse, url: URL, field: string, all: readonly string[], pageMax: number): void {
  const last = url.searchParams.get('last') ?? ''
  const n = Math.min(Number(url.searchParams.get('n') ?? pageMax), pageMax)
  const rest = all.filter((name) => name > last)
  const names = rest.slice(0, n)
  if (rest.length > n)
    response.setHeader('link', `<${url.pathname}?n=${n}&last=${encodeURIComponent(names.at(-1)!)}>; rel="next"`)
  json(response, { [field]: names })
}

function sendBlob(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
  if (range === null) {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
    return
  }
  const [start, end] = [Number(range[1]), Number(range[2])]
  response
    .writeHead(206, { 'content-range': `bytes ${start}-${end}/${bytes.length}`, 'content-length': end - start + 1 })
    .end(bytes.subarray(start, end + 1))
}
