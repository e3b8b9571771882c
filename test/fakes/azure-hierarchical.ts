import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { blobPage, type PageBlob } from './blob-page.ts'

/** A container of an account with a hierarchical namespace. */
export interface HierarchicalContainer {
  readonly endpoint: string
  /** Files by name; directories come by themselves with what is in them. */
  readonly files: Map<string, Buffer>
  /** Directories without anything in them. */
  readonly emptyDirectories: Set<string>
  /** Markers of the listings so far; empty for one that began at the beginning. */
  readonly markers: string[]
  /** Most entries of a page. */
  pageMax: number
  /** How long a page takes. */
  pageMs: number
  /** Called before each page is answered; a status other than 0 is answered instead. */
  onPage: (() => number) | null
  close(): Promise<void>
}

/**
 * Stands in for a hierarchical account (Data Lake Storage Gen2) as the Blob API shows it, which Azurite does not have: directories are blobs without bytes,
 * with `hdi_isfolder` among their metadata and `ResourceType` directory, everything comes in the order of path segments, and markers are good for one server only.
 *
 * https://learn.microsoft.com/rest/api/storageservices/list-blobs, https://learn.microsoft.com/azure/storage/blobs/data-lake-storage-known-issues. It knows one
 * container, takes any signature, and no conditions.
 */
export async function startHierarchical(container: string): Promise<HierarchicalContainer> {
  const files = new Map<string, Buffer>()
  const emptyDirectories = new Set<string>()
  const state = { pageMax: 5000, pageMs: 0, onPage: null as (() => number) | null, markers: [] as string[] }
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy())
  })

  function directories(): Set<string> {
    const found = new Set(emptyDirectories)
    for (const name of [...files.keys(), ...emptyDirectories])
      for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1)) found.add(name.slice(0, at))
    return found
  }

  async function list(url: URL, response: ServerResponse): Promise<void> {
    const { searchParams: asked } = url
    state.markers.push(asked.get('marker') ?? '')
    if (state.pageMs > 0) await sleep(state.pageMs)
    const refused = state.onPage?.() ?? 0
    if (refused !== 0) return fail(response, refused, 'ServerBusy')
    const prefix = asked.get('prefix') ?? ''
    const folders = directories()
    const names = [...files.keys(), ...folders].filter((name) => name.startsWith(prefix)).sort(bySegment)
    const from = Number(asked.get('marker')?.split('!')[1] ?? 0)
    const end = Math.min(names.length, from + Math.min(state.pageMax, Number(asked.get('maxresults') ?? 5000)))
    const blobs = names.slice(from, end).map((name): PageBlob => {
      const file = files.get(name)
      if (file !== undefined) return { name, sizeBytes: file.length, etag: etagOf(name, file) }
      const metadata = asked.get('include') === 'metadata' ? { hdi_isfolder: 'true' } : {}
      return { name, isDirectory: true, metadata, etag: '0x8DD' }
    })
    const next = end < names.length ? `2!${end}!` : ''
    response.writeHead(200, { 'content-type': 'application/xml', 'x-ms-request-id': '1' })
    response.end(blobPage({ container, prefix, blobs, next }))
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://azure')
    const [, , place, ...rest] = url.pathname.split('/')
    if (url.searchParams.get('comp') === 'userdelegationkey') {
      request.resume()
      response.writeHead(200, { 'content-type': 'application/xml', 'x-ms-request-id': '1' }).end(delegationKey())
      return
    }
    const name = decodeURIComponent(rest.join('/'))
    if (place !== container) return fail(response, 404, 'ContainerNotFound')
    if (url.searchParams.get('comp') === 'list') return list(url, response)
    if (request.method === 'PUT') {
      const isTaken = request.headers['if-none-match'] === '*' && files.has(name)
      if (isTaken) {
        request.resume()
        return fail(response, 409, 'BlobAlreadyExists')
      }
      files.set(name, await buffer(request))
      response.writeHead(201, { ...heads(name), 'x-ms-request-id': '1' }).end()
      return
    }
    const file = files.get(name)
    const isDirectory = file === undefined && directories().has(name)
    if (file === undefined && !isDirectory) return fail(response, 404, 'BlobNotFound')
    if (request.method === 'DELETE') {
      if (isDirectory) return fail(response, 409, 'DirectoryIsNotEmpty')
      files.delete(name)
      response.writeHead(202, { 'x-ms-request-id': '1' }).end()
      return
    }
    const body = file ?? Buffer.alloc(0)
    const range = /^bytes=(\d+)-(\d*)$/.exec(String(request.headers['x-ms-range'] ?? request.headers.range ?? ''))
    const start = Number(range?.[1] ?? 0)
    const part = body.subarray(start, range?.[2] ? Number(range[2]) + 1 : undefined)
    const partial =
      range === null ? {} : { 'content-range': `bytes ${start}-${start + part.length - 1}/${body.length}` }
    const folder = isDirectory ? { 'x-ms-meta-hdi_isfolder': 'true', 'x-ms-resource-type': 'directory' } : {}
    const headers = { ...heads(name), ...folder, ...partial, 'content-length': part.length, 'x-ms-request-id': '1' }
    response.writeHead(range === null ? 200 : 206, headers)
    response.end(request.method === 'HEAD' ? undefined : part)
  }

  function heads(name: string): Record<string, string> {
    const etag = etagOf(name, files.get(name) ?? Buffer.alloc(0))
    return { etag: `"${etag}"`, 'last-modified': new Date(1_700_000_000_000).toUTCString() }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(state, {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files,
    emptyDirectories,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}

function delegationKey(): string {
  const time = (ms: number) => `${new Date(Date.now() + ms).toISOString().slice(0, 19)}Z`
  const id = '00000000-0000-0000-0000-00000000000f'
  return (
    `<?xml version="1.0" encoding="utf-8"?><UserDelegationKey><SignedOid>${id}</SignedOid><SignedTid>${id}</SignedTid>` +
    `<SignedStart>${time(-60_000)}</SignedStart><SignedExpiry>${time(24 * 3600_000)}</SignedExpiry><SignedService>b</SignedService>` +
    `<SignedVersion>2022-11-02</SignedVersion><Value>${Buffer.alloc(64, 7).toString('base64')}</Value></UserDelegationKey>`
  )
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'x-ms-error-code': code, 'x-ms-request-id': '1' })
  response.end(`<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>canary</Message></Error>`)
}

function etagOf(name: string, file: Buffer): string {
  return `0x8D${Buffer.from(`${name}${file.toString('latin1')}`)
    .toString('hex')
    .slice(-12)
    .toUpperCase()}`
}

/** The slash before everything else: `a/x` comes before `a-b`, which the order of bytes has the other way round. */
function bySegment(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i]! < right[i]! ? -1 : 1
  }
  return left.length - right.length
}
