// A replay server that answers List Blobs, as a process of its own: prints one JSON line when it is ready and ends with the process that started it.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { blobPage } from '#test/fakes/blob-page.ts'
import { etagAt, modifiedAt, sizeAt } from './entry.ts'
import { makeLayout } from './layouts.ts'

const PAGE = 5_000

const { values } = parseArgs({ options: { objects: { type: 'string', default: '200000' } } })
const objects = Number(values.objects)
const layout = makeLayout('realistic', objects)

const pages = Array.from({ length: Math.ceil(objects / PAGE) }, (_, number) => {
  const end = Math.min(objects, (number + 1) * PAGE)
  const blobs = Array.from({ length: end - number * PAGE }, (_, i) => {
    const index = number * PAGE + i
    return {
      name: layout.keyAt(index),
      sizeBytes: sizeAt(index),
      modifiedMs: modifiedAt(index),
      etag: `0x${etagAt(index).slice(0, 15).toUpperCase()}`,
    }
  })
  const next = end < objects ? `2!92!${number + 1}` : ''
  return Buffer.from(blobPage({ container: 'bench', blobs, next }))
})

const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume()
  const url = new URL(request.url ?? '/', 'http://replay')
  const page = pages[Number(url.searchParams.get('marker')?.split('!')[2] ?? 0)]!
  response
    .writeHead(200, {
      'content-type': 'application/xml',
      'content-length': page.length,
      'x-ms-request-id': '0',
      'x-ms-version': '2022-11-02',
    })
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
