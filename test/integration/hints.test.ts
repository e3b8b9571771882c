// Proves that hints are followed by reading: whatever they say, the index is what the bucket is, for every dataset on it, within quota, and nothing is deleted.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { drainHints } from '#core/hints/hints.ts'
import { type SyncBench, withSync } from '../support/sync.ts'

let bench: SyncBench
const requests: string[] = []

beforeAll(async () => {
  bench = await withSync()
  bench.onRequest((method, url) => requests.push(`${method} ${url}`))
})
beforeEach(() => void requests.splice(0))
afterAll(() => bench.close())

const put = (key: string, text = key) => bench.bucket.put(key, Buffer.from(text), 'text/plain')
const drain = () => drainHints(bench.api.deps, new AbortController().signal)

async function hint(keys: readonly string[], removed?: boolean, driverId = bench.driverId) {
  const answer = await bench.api.call(bench.api.owner, 'POST', `/api/v1/drivers/${driverId}/hints`, {
    json: { keys, ...(removed === undefined ? {} : { removed }) },
  })
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

async function rowsOf(datasetId: string) {
  const { rows } = await bench.api.deps.db.query<{
    path: string
    state: number
    flags: number
    id: string
    size: number
  }>(
    `select f.path || i.name as path, i.state, i.flags, i.item_no::text as id, i.size_bytes as size
       from item i join dataset d using (dataset_no) join dir f on f.dataset_no = i.dataset_no and f.dir_no = i.dir_no
      where d.id = $1 order by (f.path || i.name) collate "C"`,
    [datasetId],
  )
  return rows
}

async function dirtyKeys() {
  const { rows } = await bench.api.deps.db.query<{ key: string; code: string | null }>(
    `select convert_from(key, 'UTF8') as key, error_code as code from dirty order by key`,
  )
  return rows
}

describe('a hint', () => {
  test('of a new file adds it with its folders, of a changed one refreshes it, of a gone one marks or removes it', async () => {
    put('h/old.txt')
    const datasetId = await bench.addDataset()
    await bench.sync(datasetId)
    const [old] = await rowsOf(datasetId)
    put('h/old.txt', 'another text')
    put('h/deep/er/new.jpg')
    expect(await hint(['h/old.txt', 'h/deep/er/new.jpg'])).toEqual({ marked: 2, ignored: [] })
    expect((await drain()).outcomes).toEqual({ changed: 1, added: 1 })
    const rows = await rowsOf(datasetId)
    expect(rows.map(({ path, state, flags, size }) => ({ path, state, flags, size }))).toEqual([
      { path: 'h/deep/er/new.jpg', state: 0, flags: 0, size: 17 },
      { path: 'h/old.txt', state: 0, flags: 8, size: 12 },
    ])
    expect(rows[1]!.id).toBe(old!.id)
    bench.bucket.remove('h/old.txt')
    bench.bucket.remove('h/deep/er/new.jpg')
    await hint(['h/old.txt'])
    await hint(['h/deep/er/new.jpg'], true)
    expect((await drain()).outcomes).toEqual({ missing: 1, removed: 1 })
    expect((await rowsOf(datasetId)).map(({ path, state }) => ({ path, state }))).toEqual([
      { path: 'h/old.txt', state: 1 },
    ])
    expect(await dirtyKeys()).toEqual([])
    expect(requests.filter((request) => /^(DELETE|POST)/.test(request))).toEqual([])
  })
})
