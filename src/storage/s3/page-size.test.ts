// Proves that a storage which fails with large or awkward pages is listed in smaller ones, every key once, and that other pages keep their size.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { renderPage } from '../../../test/fakes/listing-page.ts'
import { type WalkRange, walk } from '../walk/walk.ts'
import { PageSizes } from './page-size.ts'
import { createS3Storage } from './s3.ts'

const all = Array.from({ length: 2_500 }, (_, i) => `k${String(i).padStart(5, '0')}`)

test.each([
  ['an error', 500, '<Error><Code>InternalError</Code></Error>'],
  ['a page that cannot be read', 200, '<ListBucketResult><Name>bucket</Name>'],
])('pages that come as %s unless they are small', { timeout: 60_000 }, async (_what, status, body) => {
  const sizes = new Set<number>()
  const server = createServer((request, response) => {
    const query = new URL(request.url!, 'http://x').searchParams
    const max = Number(query.get('max-keys'))
    const from = query.get('continuation-token') ?? query.get('start-after') ?? ''
    const left = all.filter((key) => key > from)
    const entries = left.slice(0, max).map((key) => ({ key }))
    // One key in the middle spoils every page of more than a hundred that holds it.
    if (max > 100 && entries.some(({ key }) => key === 'k01200')) {
      response.statusCode = status
      response.end(body)
      return
    }
    sizes.add(max)
    response.end(renderPage({ entries, ...(left.length > max && { token: entries.at(-1)!.key }) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const storage = createS3Storage({
    bucket: 'bucket',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accessKeyId: 'k',
    secretAccessKey: new Secret('s'),
  })
  const start = Buffer.alloc(0)
  const range: WalkRange = { no: 0, from: start, to: null, cursor: start, isDone: false, keys: 0 }
  const listed: string[] = []
  await walk({
    storage,
    prefix: '',
    ranges: [range],
    connectionsMax: 1,
    mayListBelow: false,
    signal: new AbortController().signal,
    cost: { requests: 0 },
    onPage: (_range, { entries }) => {
      while (entries.next()) listed.push(entries.keyBytes.toString('utf8', entries.keyStart, entries.keyEnd))
    },
    onRange: () => {},
  })
  await storage.close()
  server.closeAllConnections()
  server.close()
  expect(listed).toEqual(all)
  expect([...sizes].sort((a, b) => a - b)).toEqual([100, 1000])
})

test('only what a page itself can cause makes it smaller, and success makes it whole again', () => {
  const sizes = new PageSizes()
  const query = { prefix: 'a/' }
  for (const kind of ['unreachable', 'throttled', 'forbidden', 'aborted'] as const) sizes.failed(query, kind)
  expect(sizes.sizeOf(query)).toBe(1000)
  const seen = [1000]
  for (let failure = 0; failure < 6; failure++) {
    sizes.failed(query, 'unavailable')
    seen.push(sizes.sizeOf(query))
  }
  expect(seen).toEqual([1000, 1000, 100, 10, 1, 1, 1])
  expect(sizes.sizeOf({ prefix: 'b/' })).toBe(1000)
  sizes.succeeded(query)
  expect(sizes.sizeOf(query)).toBe(1000)
})

test('a single key that cannot be had does not make the page small that begins where it was looked for', () => {
  const sizes = new PageSizes()
  const page = { prefix: 'a/', after: Buffer.from('a/k') }
  for (let failure = 0; failure < 6; failure++) sizes.failed({ ...page, entriesMax: 1 }, 'invalid')
  expect(sizes.sizeOf(page)).toBe(1000)
})
