// A replay server that speaks Google's JSON API, as a process of its own: prints one JSON line when it is ready and ends with the process that started it.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { etagAt, modifiedAt, sizeAt } from './entry.ts'
import { makeLayout } from './layouts.ts'

const PAGE = 1_000

const { values } = parseArgs({ options: { objects: { type: 'string', default: '200000' } } })
const objects = Number(values.objects)
const layout = makeLayout('realistic', objects)

/** Generation of the object at an index, made of digits of its etag. */
function generationAt(index: number): string {
  return String(1_600_000_000_000_000 + Number.parseInt(etagAt(index).slice(0, 12), 16))
}

/** What both contenders ask for of each object, and no more. */
function document(index: number): object {
  return {
    bucket: 'bench',
    name: layout.keyAt(index),
    size: String(sizeAt(index)),
    generation: generationAt(index),
    updated: new Date(modifiedAt(index)).toISOString(),
  }
}

const pages = Array.from({ length: Math.ceil(objects / PAGE) }, (_, number) => {
  const end = Math.min(objects, (number + 1) * PAGE)
  const items = Array.from({ length: end - number * PAGE }, (_, i) => document(number * PAGE + i))
  const more = end < objects ? { nextPageToken: String(number + 1) } : {}
  return Buffer.from(JSON.stringify({ kind: 'storage#objects', ...more, items }))
})

const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume()
  const url = new URL(request.url ?? '/', 'http://replay')
  if (request.method === 'POST') {
    response.setHeader('content-type', 'application/json')
    response.end('{"access_token":"replayed","expires_in":3600}')
    return
  }
  const page = pages[Number(url.searchParams.get('pageToken') ?? 0)]!
  response
    .writeHead(200, { 'content-type': 'application/json; charset=UTF-8', 'content-length': page.length })
    .end(page)
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  let bytes = 0
  for (let index = 0; index < objects; index++) bytes += sizeAt(index)
  process.stdout.write(`${JSON.stringify({ ready: true, url: `http://127.0.0.1:${port}`, count: objects, bytes })}\n`)
})
// Standard input is a pipe from the benchmark; when that ends, so does this, however the benchmark ended.
process.stdin.resume().on('end', () => process.exit(0))
