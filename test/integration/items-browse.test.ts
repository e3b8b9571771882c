// Proves what a person browsing a dataset sees: items with exactly the promised keys, folders with true counters, cursors that meet every name once, the
// tree, the counts, what was skipped and why; and that nobody outside the project sees any of it.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Item, itemRoutes } from '#contract/items.ts'
import { skipReasons } from '#contract/skip-reasons.ts'
import { directoryTree } from '#core/items/items.ts'
import { type Actor, type TestApi, withApi } from '../support/api.ts'
import { SEED_MS, type SeededDataset, seedDataset } from '../support/catalog.ts'

let api: TestApi
let projectId: string
let dataset: SeededDataset
beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject()
  dataset = await seed([
    'top.txt',
    {
      key: 'a/one.jpg',
      sizeBytes: 10,
      etag: 'x-1',
      metadata: { user: { label: 'cat' }, system: { tags: { train: true } } },
    },
    { key: 'a/two.jpg', sizeBytes: 20, state: 1 },
    { key: 'a/b/deep.bin', sizeBytes: 30, updatedMs: SEED_MS + 500 },
    'a/.secret',
    'c//gap',
    '.h/x',
  ])
})
afterAll(() => api.close())

const seed = (objects: Parameters<typeof seedDataset>[1]) => seedDataset(api.database.pool, objects, { projectId })
const get = (path: string, actor: Actor | null = api.owner) => api.call(actor, 'GET', `/api/v1${path}`)
const inDataset = (path: string, of = dataset) => `/datasets/${of.datasetId}${path}`

describe('an item', () => {
  test('has exactly the keys the SDK compares, and what the storage tells below metadata.system', async () => {
    const id = dataset.idOf('a/one.jpg')
    const { body } = await get(`/items/${id}`)
    expect(Object.keys(body).sort()).toEqual(
      'annotated annotations annotationsCount createdAt creator dataset datasetId dir filename hidden id metadata name stream thumbnail type updatedAt updatedBy url'.split(
        ' ',
      ),
    )
    expect(body).toMatchObject({
      id,
      filename: '/a/one.jpg',
      dir: '/a',
      name: 'one.jpg',
      type: 'file',
      hidden: false,
      datasetId: dataset.datasetId,
      creator: 'owner@example.com',
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-01T00:00:00.000Z',
      metadata: {
        user: { label: 'cat' },
        system: {
          size: 10,
          mimetype: 'image/jpeg',
          originalname: 'one.jpg',
          encoding: '7bit',
          tags: { train: true },
          storage: {
            key: 'a/one.jpg',
            etag: 'x-1',
            state: 'available',
            modified: '2025-12-31T23:59:59.000Z',
            addressable: true,
          },
        },
      },
    })
    expect(body.stream).toMatch(new RegExp(`/api/v1/items/${id}/stream$`))
    expect(Item.safeParse(body).success).toBe(true)
    const listed = await api.call(api.owner, 'POST', `/api/v1${inDataset('/query')}`, { json: { filter: { id } } })
    expect(listed.body.items).toEqual([body])
  })

  test('is found by its path; a folder too, and the root', async () => {
    const byPath = async (path: string) =>
      (await get(inDataset(`/items/by-path?path=${encodeURIComponent(path)}`))).body
    expect((await byPath('/a/b/deep.bin')).updatedAt).toBe('2026-01-01T00:00:00.500Z')
    expect((await byPath('/a/two.jpg')).metadata.system.storage.state).toBe('missing')
    expect(await byPath('/a/b')).toMatchObject({ type: 'dir', filename: '/a/b', dir: '/a', name: 'b' })
    expect(await byPath('/')).toMatchObject({ type: 'dir', filename: '/', dir: '/' })
    expect((await byPath('/c//gap')).dir).toBe('/c/')
    expect(await byPath('/nope')).toMatchObject({ code: 'item.not_found', status: 404 })
    expect(await byPath('/a/one.jp*')).toMatchObject({ code: 'item.not_found' })
    const folder = await byPath('/a/b')
    expect((await get(`/items/${folder.id}`)).body).toEqual(folder)
  })

  test('that does not exist is 404, whatever the id looks like', async () => {
    for (const id of [
      'nope',
      '0'.repeat(24),
      'f'.repeat(24),
      dataset.idOf('top.txt').replace(/.$/, 'f'),
      dataset.idOf('top.txt').toUpperCase(),
    ]) {
      const { status, body } = await get(`/items/${id}`)
      expect([status, body.code], id).toEqual([404, 'item.not_found'])
    }
  })
})

describe('a folder', () => {
  test('lists its files by name and its folders with counters', async () => {
    const { body } = await get(inDataset('/items?dir=/a'))
    expect(body.items.map((item: Item) => item.name)).toEqual(['one.jpg', 'two.jpg'])
    expect((await get(inDataset('/items?dir=/a&hidden=true'))).body.items).toHaveLength(3)
    expect((await get(inDataset('/items?dir=/a/'))).body.items).toHaveLength(2)
    expect((await get(inDataset('/items'))).body.items.map((item: Item) => item.filename)).toEqual(['/top.txt'])
    const folders = (await get(inDataset('/folders'))).body
    expect(folders.folder).toMatchObject({ filename: '/', items: 1, deepItems: 7 })
    expect(folders.folders.map((folder: { name: string }) => folder.name)).toEqual(['a', 'c'])
    expect(folders.folders[0]).toMatchObject({
      filename: '/a',
      dir: '/',
      items: 3,
      bytes: 39,
      deepItems: 4,
      deepBytes: 69,
    })
    expect((await get(inDataset('/folders?hidden=true'))).body.folders).toHaveLength(3)
    expect((await get(inDataset('/folders?dir=/c'))).body.folders).toMatchObject([
      { name: '', filename: '/c/', items: 1 },
    ])
    expect((await get(inDataset('/items?dir=/c/'))).body.items[0].filename).toBe('/c//gap')
    expect((await get(inDataset('/items?dir=/nope'))).body).toMatchObject({ code: 'item.not_found', status: 404 })
  })

  test('is paged by a cursor that meets every name once, in byte order', async () => {
    const name = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 6 })
      .filter((text) => !/[/\0]/.test(text) && text.isWellFormed())
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(name, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        async (names, limit) => {
          const some = await seed(names.flatMap((each) => [`d/${each}`, `d/${each}/f`]))
          for (const [list, key] of [
            ['items', 'items'],
            ['folders', 'folders'],
          ] as const) {
            const seen: string[] = []
            for (let after = ''; ; ) {
              const { body } = await get(inDataset(`/${list}?dir=/d&limit=${limit}&hidden=true${after}`, some))
              seen.push(...body[key].map((each: { name: string }) => each.name))
              if (body.next === null) break
              after = `&after=${body.next}`
            }
            expect(seen).toEqual(names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
          }
        },
      ),
      { numRuns: 25 },
    )
  })

  test('refuses what is no cursor, no number, no path', async () => {
    for (const query of ['after=%21%21', 'limit=0', 'limit=1001', 'limit=x', 'dir=a%00b', 'hidden=maybe', 'dir=%ff']) {
      expect((await get(inDataset(`/items?${query}`))).body, query).toMatchObject({
        status: 400,
        code: 'request.invalid',
      })
    }
  })
})

describe('the tree', () => {
  const shape = (node: { value: { filename: string }; children: never[] }): unknown =>
    node.children.length === 0 ? node.value.filename : { [node.value.filename]: node.children.map(shape) }

  test('holds every folder that holds something, hidden ones too', async () => {
    const { body } = await get(inDataset('/directoryTree'))
    expect(shape(body)).toEqual({ '/': ['/.h', { '/a': ['/a/b'] }, { '/c': ['/c/'] }] })
    expect(body.value).toMatchObject({ name: '/', dir: null, filename: '/', metadata: {} })
    expect(body.truncated).toBeUndefined()
    expect((await get(`/items/${body.children[1].value.id}`)).body).toMatchObject({ type: 'dir', filename: '/a' })
  })

  test('can be cut at a depth, is cut when it is too big, and says so', async () => {
    const { body } = await get(inDataset('/directoryTree?depth=1'))
    expect([shape(body), body.truncated, body.depth]).toEqual([{ '/': ['/.h', '/a', '/c'] }, true, 1])
    expect((await get(inDataset('/directoryTree?depth=2'))).body.truncated).toBeUndefined()
    const cut = await directoryTree(api.deps, dataset.datasetNo, undefined, 3)
    expect([shape(cut as never), cut.truncated, cut.depth]).toEqual([{ '/': ['/.h', '/a', '/c'] }, true, 1])
  })

  test('of an empty dataset is the root alone', async () => {
    const empty = await seed([])
    expect((await get(inDataset('/directoryTree', empty))).body).toMatchObject({
      value: { filename: '/' },
      children: [],
    })
    expect((await get(inDataset('/items', empty))).body).toEqual({ items: [], next: null })
    expect((await get(inDataset('/folders', empty))).body.folders).toEqual([])
  })

  test('may be five hundred folders deep', async () => {
    const deep = await seed([`${'d/'.repeat(500)}f`])
    let node = (await get(inDataset('/directoryTree', deep))).body
    let depth = 0
    for (; node.children.length > 0; depth++) node = node.children[0]
    expect(depth).toBe(500)
  })
})

test('counts are those of the rows, and skipped keys are shown with their reason', async () => {
  const keys = [Buffer.from('bad\xff', 'latin1'), Buffer.from('nul\0'), Buffer.from('tab\tё')]
  for (const [index, key] of keys.entries()) {
    await api.database.pool.query('insert into skipped values ($1, $2, $3, $4, $5, to_timestamp($6), 1)', [
      dataset.datasetNo,
      createHash('sha256').update(key).digest(),
      key,
      index === 2 ? 'too-long' : 'not-text',
      100,
      SEED_MS / 1000,
    ])
  }
  const { body } = await get(inDataset('/counts'))
  expect(body).toEqual({
    items: 7,
    bytes: 7 + 10 + 20 + 30 + 9 + 6 + 4,
    hidden: 2,
    missing: 1,
    changed: 0,
    excluded: 0,
    folders: 5,
    skipped: [
      { reason: 'not-text', message: skipReasons['not-text'], keys: 2, bytes: 200 },
      { reason: 'too-long', message: skipReasons['too-long'], keys: 1, bytes: 100 },
    ],
  })
  const seen: { key: string; keyB64: string }[] = []
  for (let after = ''; ; ) {
    const page = (await get(inDataset(`/skipped?limit=1${after}`))).body
    seen.push(...page.skipped)
    if (page.next === null) break
    after = `&after=${page.next}`
  }
  expect(seen.map((each) => each.keyB64).sort()).toEqual(keys.map((key) => key.toString('base64')).sort())
  expect(seen.map((each) => each.key).sort()).toEqual(['bad\\xff', 'nul\\u{0}', 'tab\\u{9}ё'])
  expect((await get(inDataset('/skipped?reason=too-long'))).body.skipped).toHaveLength(1)
  expect((await get(inDataset('/skipped?after=x'))).status).toBe(400)
})

test('annotators read all of it, strangers get the answer for what does not exist', async () => {
  const annotator = await api.addUser('annotator@example.com', 'member')
  await api.join(projectId, annotator, 'annotator')
  const stranger = (await api.addOrg('Other')).owner
  const colleague = await api.addUser('colleague@example.com', 'admin')
  const paths = Object.values(itemRoutes).filter(
    (route) => route.path !== '/items/:itemId/stream' && !['PATCH', 'PUT', 'DELETE'].includes(route.method),
  )
  for (const route of paths) {
    const url = (ofDataset: string, ofItem: string) =>
      `/api/v1${route.path.replace(':datasetId', ofDataset).replace(':itemId', ofItem)}${route.path.endsWith('by-path') ? '?path=/top.txt' : ''}`
    const real = url(dataset.datasetId, dataset.idOf('top.txt'))
    const none = url('0'.repeat(24), `0fffffff${'0'.repeat(16)}`)
    const sent = route.method === 'POST' ? { json: {} } : {}
    expect((await api.call(annotator, route.method, real, sent)).status, real).toBe(200)
    expect((await api.call(null, route.method, real, sent)).status, real).toBe(401)
    for (const outsider of [stranger, colleague]) {
      const [seen, absent] = [
        await api.call(outsider, route.method, real, sent),
        await api.call(outsider, route.method, none, sent),
      ]
      expect(seen.status, real).toBe(404)
      expect({ ...seen.body, requestId: '' }, real).toEqual({ ...absent.body, requestId: '' })
    }
  }
})
