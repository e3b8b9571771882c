// Proves that a query finds exactly the items it describes: patterns agree with a plain oracle, odd keys are found, pages neither lose nor repeat rows,
// totals are true, and whatever is not understood is refused with its place.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type TestApi, withApi } from '../support/api.ts'
import { SEED_MS, type SeededDataset, seedDataset } from '../support/catalog.ts'

let api: TestApi
let projectId: string
beforeAll(async () => {
  api = await withApi()
  projectId = await api.addProject()
})
afterAll(() => api.close())

const seed = (objects: Parameters<typeof seedDataset>[1]) => seedDataset(api.database.pool, objects, { projectId })
const send = (dataset: SeededDataset, body: unknown): Promise<Answer> =>
  api.call(api.owner, 'POST', `/api/v1/datasets/${dataset.datasetId}/query`, { json: body })

async function query(dataset: SeededDataset, filter: unknown, more: Record<string, unknown> = {}) {
  const answer = await send(dataset, { filter, ...more })
  expect(answer.status, answer.status === 500 ? api.logs().slice(-3000) : answer.text).toBe(200)
  return answer.body
}

/** The full paths a filter finds, sorted. */
async function found(dataset: SeededDataset, filter: unknown): Promise<string[]> {
  const page = await query(dataset, filter)
  expect(page.hasNextPage).toBe(false)
  expect(page.totalItemsCount).toBe(page.items.length)
  return page.items.map((item: { filename: string }) => item.filename).sort()
}

/** Matches by trying every way, with no regular expression: `*` within a segment unless `crosses`, `**` anywhere, `**` + `/` also nothing. */
function matches(pattern: string, text: string, crosses: boolean, isSegmentStart = true): boolean {
  if (pattern === '') return text === ''
  if (!pattern.startsWith('*')) {
    return pattern[0] === text[0] && matches(pattern.slice(1), text.slice(1), crosses, pattern[0] === '/')
  }
  const stars = /^\*+/.exec(pattern)![0].length
  const rest = pattern.slice(stars)
  if (!crosses && stars > 1 && isSegmentStart && rest.startsWith('/') && matches(rest.slice(1), text, crosses))
    return true
  const reach = crosses || stars > 1 ? text.length : (text.indexOf('/') + text.length + 1) % (text.length + 1)
  for (let length = 0; length <= reach; length++) {
    if (matches(rest, text.slice(length), crosses, false)) return true
  }
  return false
}

const word = fc.constantFrom('a', 'b', 'ab', 'a.b', '%', '_', '.h', 'é', '😀', "'", '\\', '?', '[a]', '')
const keys = fc
  .uniqueArray(
    fc.tuple(fc.array(word, { maxLength: 3 }), word).map(([dirs, name]) => [...dirs, name].join('/')),
    { minLength: 1, maxLength: 12 },
  )
  .map((all) => all.filter((key) => key !== ''))
  .filter((all) => all.length > 0)
const patternPart = fc.oneof(word, fc.constantFrom('*', '**', 'a*', '*b', '**b', 'a**', '*.*', '%*'))
const pattern = fc.array(patternPart, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
const globs = fc.oneof(
  pattern,
  pattern.map((text) => `**${text}`),
  fc.constantFrom('/**', '**', '**/a', '**/*', '/*', '/*/**'),
)

const dirText = (key: string): string => {
  const path = key.slice(0, key.lastIndexOf('/') + 1)
  return /^\/*$/.test(path) ? `/${path}` : `/${path.slice(0, -1)}`
}

describe('patterns', () => {
  test('filename, dir and name find what a plain matcher finds', async () => {
    await fc.assert(
      fc.asyncProperty(keys, fc.array(globs, { minLength: 1, maxLength: 8 }), async (all, patterns) => {
        const dataset = await seed(all)
        for (const glob of patterns) {
          const isFit = (text: string, crosses: boolean) =>
            glob.includes('*') ? matches(glob, text, crosses) : glob === text
          const expected = (fits: (key: string) => boolean) =>
            all
              .filter(fits)
              .map((key) => `/${key}`)
              .sort()
          expect(await found(dataset, { type: 'file', filename: glob }), `filename ${glob}`).toEqual(
            expected((key) => isFit(`/${key}`, false)),
          )
          expect(await found(dataset, { type: 'file', dir: glob }), `dir ${glob}`).toEqual(
            expected((key) => isFit(dirText(key), true)),
          )
          const name = glob.slice(glob.lastIndexOf('/') + 1)
          expect(await found(dataset, { type: 'file', name }), `name ${name}`).toEqual(
            expected((key) => {
              const own = key.slice(key.lastIndexOf('/') + 1)
              return name.includes('*') ? matches(name, own, true) : own === name
            }),
          )
          expect(await found(dataset, { type: 'file', filename: { $ne: glob } }), `not ${glob}`).toEqual(
            expected((key) => !isFit(`/${key}`, false)),
          )
          const folders = new Set(
            all.flatMap((key) => [...key.matchAll(/\//g)].map((slash) => key.slice(0, slash.index + 1))),
          )
          const folderTexts = [...folders].map((path) => dirText(path))
          expect(await found(dataset, { type: 'dir', filename: glob }), `folder ${glob}`).toEqual(
            folderTexts.filter((text) => isFit(text, false)).sort(),
          )
        }
      }),
      { numRuns: 60 },
    )
  })

  test('patterns the SDK sends', async () => {
    const dataset = await seed([
      'x.jpg',
      'file1.txt',
      'dir1/x.jpg',
      'dir1/dir2/a.png',
      'dir1/dir2/dir3/b.png',
      'dir10/c.mp4',
      '.h/x.jpg',
    ])
    expect(await found(dataset, { filename: '/dir1/**', type: 'file' })).toEqual([
      '/dir1/dir2/a.png',
      '/dir1/dir2/dir3/b.png',
      '/dir1/x.jpg',
    ])
    expect(await found(dataset, { filename: '/dir1/dir2/*', type: 'file' })).toEqual(['/dir1/dir2/a.png'])
    expect(await found(dataset, { filename: '**/x.jpg', type: 'file' })).toEqual(['/.h/x.jpg', '/dir1/x.jpg', '/x.jpg'])
    expect(await found(dataset, { filename: '/file1*', type: 'file' })).toEqual(['/file1.txt'])
    expect(await found(dataset, { name: '*x*', type: 'file', hidden: false })).toEqual([
      '/dir1/x.jpg',
      '/file1.txt',
      '/x.jpg',
    ])
    expect(await found(dataset, { 'metadata.system.mimetype': '*png' })).toEqual([
      '/dir1/dir2/a.png',
      '/dir1/dir2/dir3/b.png',
    ])
    expect(await found(dataset, { 'metadata.system.mimetype': 'video*' })).toEqual(['/dir10/c.mp4'])
    expect(await found(dataset, { $or: [{ dir: '/dir1' }, { dir: '/dir1/*' }], $and: [{ type: 'file' }] })).toEqual([
      '/dir1/dir2/a.png',
      '/dir1/dir2/dir3/b.png',
      '/dir1/x.jpg',
    ])
    expect(await found(dataset, { type: 'dir', filename: '/dir1/dir2' })).toEqual(['/dir1/dir2'])
    expect(await found(dataset, { type: 'dir', dir: '/dir1' })).toEqual(['/dir1/dir2'])
    expect(
      (await query(dataset, { $and: [{ hidden: false }, { type: 'file' }, { filename: '/**' }] })).totalItemsCount,
    ).toBe(6)
  })

  test('odd keys are found by exactly their name', async () => {
    const odd = [
      '%',
      '_',
      '*',
      '?',
      "'",
      '"',
      '\\',
      '\\*',
      '😀',
      'a\nb',
      'a%2Fb',
      '+',
      '#',
      '&',
      '<x>',
      '$1',
      '{}',
      ' ',
      'a ',
      '\u00e9',
      'e\u0301',
      '/x',
      'a//b',
      'trail/',
    ]
    const dataset = await seed([...odd, ...odd.map((key) => `d/${key}`), 'axb', 'd/zz'])
    for (const key of [...odd, ...odd.map((each) => `d/${each}`)]) {
      expect(await found(dataset, { filename: { $in: [`/${key}`] } }), key).toEqual([`/${key}`])
      const byPath = `/api/v1/datasets/${dataset.datasetId}/items/by-path?path=${encodeURIComponent(`/${key}`)}`
      const answer = await api.call(api.owner, 'GET', byPath)
      expect([answer.status, answer.body.filename, answer.body.id], key).toEqual([200, `/${key}`, dataset.idOf(key)])
      if (!key.includes('*'))
        expect(await found(dataset, { type: 'file', filename: `/${key}` }), key).toEqual([`/${key}`])
    }
  })
})

describe('paging', () => {
  const many = Array.from(
    { length: 137 },
    (_, index) => `${['', 'a/', 'a/b/', '.h/'][index % 4]}f${index % 7}-${String(index).padStart(3, '0')}.txt`,
  )
  const sorts = fc.array(
    fc.tuple(
      fc.constantFrom('id', 'name', 'filename', 'createdAt', 'updatedAt', 'size', 'dir'),
      fc.constantFrom('ascending', 'descending'),
    ),
    { maxLength: 3 },
  )
  const filters = fc.constantFrom(
    {},
    { type: 'file' },
    { hidden: false },
    { type: 'file', hidden: false },
    { dir: '/a' },
    { filename: '/a/**' },
    { type: 'dir' },
    { name: 'f1*' },
    { $or: [{ name: 'f1*' }, { dir: '/a' }] },
  )

  test('by number: every row once, in one order, with the true total on each page', async () => {
    const dataset = await seed(many)
    await fc.assert(
      fc.asyncProperty(filters, sorts, fc.integer({ min: 1, max: 60 }), async (filter, sort, pageSize) => {
        const order = Object.fromEntries(sort)
        const whole = await query(dataset, filter, { sort: order })
        const ids: string[] = []
        for (let page = 0; ; page++) {
          const part = await query(dataset, filter, { sort: order, page, pageSize })
          expect(part.totalItemsCount).toBe(whole.items.length)
          expect(part.totalPagesCount).toBe(Math.ceil(whole.items.length / pageSize))
          ids.push(...part.items.map((item: { id: string }) => item.id))
          if (!part.hasNextPage) break
        }
        expect(ids).toEqual(whole.items.map((item: { id: string }) => item.id))
        expect(new Set(ids).size).toBe(ids.length)
        expect(await query(dataset, filter, { pageSize: 0 })).toMatchObject({ items: [], totalItemsCount: ids.length })
      }),
      { numRuns: 40 },
    )
  })

  test('by id, as the SDK iterates: every row once, in either direction', async () => {
    const dataset = await seed(many)
    for (const [direction, operator] of [
      ['ascending', '$gt'],
      ['descending', '$lt'],
    ] as const) {
      for (const filter of [{ type: 'file' }, {}, { filename: '/a/**' }]) {
        const ids: string[] = []
        for (let last: string | undefined; ; ) {
          const $and = [filter, ...(last === undefined ? [] : [{ id: { [operator]: last } }])]
          const page = await query(
            dataset,
            { $and },
            { sort: { createdAt: direction, id: direction }, page: 0, pageSize: 10 },
          )
          ids.push(...page.items.map((item: { id: string }) => item.id))
          last = ids.at(-1)
          if (!page.hasNextPage) break
        }
        const whole = (await query(dataset, filter)).items.map((item: { id: string }) => item.id)
        expect(direction === 'ascending' ? ids : ids.toReversed()).toEqual(whole)
        expect(new Set(ids).size).toBe(ids.length)
      }
    }
  })

  test('orders are the ones asked for', async () => {
    const dataset = await seed([
      { key: 'b', sizeBytes: 1 },
      { key: 'a/z', sizeBytes: 3 },
      { key: 'a.txt', sizeBytes: 2, updatedMs: SEED_MS + 5000 },
    ])
    const names = async (sort: Record<string, string>) =>
      (await query(dataset, { type: 'file' }, { sort })).items.map((item: { filename: string }) => item.filename)
    expect(await names({ filename: 'ascending' })).toEqual(['/a.txt', '/a/z', '/b'])
    expect(await names({ name: 'descending' })).toEqual(['/a/z', '/b', '/a.txt'])
    expect(await names({ size: 'descending' })).toEqual(['/a/z', '/a.txt', '/b'])
    expect(await names({ updatedAt: 'descending', name: 'ascending' })).toEqual(['/a.txt', '/b', '/a/z'])
    expect(await names({})).toEqual(['/b', '/a/z', '/a.txt'])
  })
})

describe('conditions', () => {
  let dataset: SeededDataset
  beforeAll(async () => {
    dataset = await seed([
      {
        key: 'one.jpg',
        sizeBytes: 100,
        createdMs: SEED_MS,
        metadata: { user: { n: 1, tags: ['x', 'y'], 'ke-y': 'é😀', s: '15' } },
      },
      {
        key: 'two.jpg',
        sizeBytes: 51200,
        createdMs: SEED_MS + 1000,
        metadata: { user: { n: 2, o: [{ k: 1 }, { k: 2 }], z: null } },
      },
      { key: 'three.txt', sizeBytes: 60000, createdMs: SEED_MS + 2000, state: 1, updatedMs: SEED_MS + 9000 },
      { key: '.h/four.txt', sizeBytes: 0, createdMs: SEED_MS + 3000, flags: 4, modifiedMs: SEED_MS + 7000 },
    ])
  })
  const cases: [unknown, string[]][] = [
    [{ 'metadata.system.size': { $gt: '51200' } }, ['three']],
    [{ size: { $gte: 100, $lt: 60000 } }, ['one', 'two']],
    [{ size: { $in: [0, 100] } }, ['four', 'one']],
    [{ size: { $nin: [0, 100] } }, ['three', 'two']],
    [{ hidden: true }, ['four']],
    [{ hidden: { $ne: true } }, ['one', 'three', 'two']],
    [{ createdAt: { $gte: '2026-01-01T00:00:01.000Z', $lte: '2026-01-01T00:00:02Z' } }, ['three', 'two']],
    [{ createdAt: { $gt: '2026-01-01T00:00:01' } }, ['four', 'three']],
    [{ createdAt: { $lt: '2026-01-01T00:00:00.5Z' } }, ['one']],
    [{ createdAt: '2026-01-01T00:00:02.000Z' }, ['three']],
    [{ createdAt: { $lt: '1960-01-01' } }, []],
    [{ updatedAt: { $gt: '2026-01-01T00:00:05Z' } }, ['three']],
    [{ modified: { $gte: '2026-01-01T00:00:07Z' } }, ['four']],
    [{ 'metadata.system.storage.state': 'missing' }, ['three']],
    [{ state: { $ne: 'available' } }, ['four', 'three']],
    [{ mimetype: { $in: ['image/jpeg'] } }, ['one', 'two']],
    [{ mimetype: { $ne: 'image/*' } }, ['four', 'three']],
    [{ 'metadata.user.n': 1 }, ['one']],
    [{ 'metadata.user.n': { $gte: '1' } }, ['one', 'two']],
    [{ 'metadata.user.s': { $gt: '14' } }, ['one']],
    [{ 'metadata.user.n': { $exists: false } }, ['four', 'three']],
    [{ 'metadata.user.tags': 'x' }, ['one']],
    [{ 'metadata.user.tags': ['x', 'y'] }, ['one']],
    [{ 'metadata.user.tags': ['x'] }, []],
    [{ 'metadata.user.tags': { $ne: 'x' } }, ['four', 'three', 'two']],
    [{ 'metadata.user.o.k': 2 }, ['two']],
    [{ 'metadata.user.o.k': { $in: [2, 3] } }, ['two']],
    [{ 'metadata.user.ke-y': 'é😀' }, ['one']],
    [{ 'metadata.user.ke-y': '*😀' }, ['one']],
    [{ 'metadata.user.z': null, type: 'file' }, ['four', 'one', 'three', 'two']],
    [{ 'metadata.user.n': null, type: 'file' }, ['four', 'three']],
    [{ $or: [{ name: 'one*' }, { $and: [{ size: 0 }, { hidden: true }] }] }, ['four', 'one']],
    [{ name: { $or: ['one.jpg', { $match: 'tw*' }] } }, ['one', 'two']],
    [{ name: { $gt: 'three.txt' } }, ['two']],
    [{ type: { $ne: 'dir' }, name: 't*' }, ['three', 'two']],
    [{ type: { $in: ['dir'] } }, ['h']],
    [{ annotated: true }, []],
    [{ annotated: false, annotationsCount: 0, type: 'file' }, ['four', 'one', 'three', 'two']],
    [{ creator: 'owner@example.com', type: 'file' }, ['four', 'one', 'three', 'two']],
    [{ creator: { $ne: 'owner@*' } }, []],
    [{ id: { $in: ['zz', 'f'.repeat(24)] } }, []],
    [{ $and: [{ collections0: { $exists: false } }, { type: 'file' }] }, ['four', 'one', 'three', 'two']],
  ]
  test.each(cases)('%j', async (filter, expected) => {
    const files = JSON.stringify(filter).includes('"type"') ? filter : { $and: [{ type: 'file' }, filter] }
    const short = (await found(dataset, files)).map((filename) => /([a-z]+)(\.\w+)?$/.exec(filename)![1]!).sort()
    expect(short).toEqual(expected)
  })

  test('ids compare across files and folders', async () => {
    const ids = ['one.jpg', 'two.jpg', 'three.txt', '.h/four.txt'].map((key) => dataset.idOf(key))
    expect(await found(dataset, { id: ids[1] })).toEqual(['/two.jpg'])
    expect(await found(dataset, { id: { $gte: ids[1], $lte: ids[2] } })).toEqual(['/three.txt', '/two.jpg'])
    expect(await found(dataset, { id: { $gt: ids[3] } })).toEqual(['/.h'])
    expect(await found(dataset, { id: { $lt: '0'.repeat(24) } })).toEqual([])
    expect((await found(dataset, { id: { $nin: [ids[0]] }, type: 'file' })).length).toBe(3)
  })
})

describe('refusals', () => {
  const cases: [unknown, string][] = [
    [{ filter: { nope: 1 } }, 'filter.nope'],
    [{ filter: { password_hash: 'x' } }, 'filter.password_hash'],
    [{ filter: { $and: [{ type: 'file' }, { size: { $foo: 1 } }] } }, 'filter.$and[1].size.$foo'],
    [{ filter: { $nor: [] } }, 'filter.$nor'],
    [{ filter: { $or: [] } }, 'filter.$or'],
    [{ filter: { size: 'big' } }, 'filter.size'],
    [{ filter: { createdAt: { $gt: 'soon' } } }, 'filter.createdAt.$gt'],
    [{ filter: { id: { $gt: 'x' } } }, 'filter.id.$gt'],
    [{ filter: { name: { $in: 'x' } } }, 'filter.name.$in'],
    [{ filter: { name: 'a\0b' } }, 'filter.name'],
    [{ filter: { filename: `/${'*a'.repeat(40)}` } }, 'filter.filename'],
    [{ filter: { 'metadata.user.x': { a: 1, $gt: 1 } } }, 'filter.metadata.user.x'],
    [{ filter: { name: { first: 'a' } } }, 'filter.name'],
    [{ filter: [] }, 'filter'],
    [{ sort: { metadata: 'ascending' } }, 'sort.metadata'],
    [{ sort: { name: 'up' } }, 'sort.name'],
    [{ page: -1 }, 'page'],
    [{ pageSize: '5' }, 'pageSize'],
    [{ resource: 'users' }, 'resource'],
    [{ join: { on: { resource: 'users' } } }, 'join.on.resource'],
    [{ join: { filter: { dir: '/' } } }, 'join.filter.dir'],
    [{ except: { query: { filter: { nope: 1 } } } }, 'except.query.filter.nope'],
    [{ delete: 'yes' }, 'delete'],
    [{ resource: 'annotations', update: { label: 'x' } }, 'update'],
    [{ whatever: 1 }, 'whatever'],
  ]
  test.each(cases)('%j at %s', async (body, place) => {
    const dataset = await seed(['a'])
    const answer = await send(dataset, body)
    expect([answer.status, answer.body.code, answer.body.details.place]).toEqual([400, 'query.invalid', place])
  })

  test('half a surrogate pair, which is no character', async () => {
    const dataset = await seed(['a'])
    expect((await send(dataset, { filter: { name: '\ud800' } })).status).toBe(400)
  })

  test('too deep, too many', async () => {
    const dataset = await seed(['a'])
    let deep: unknown = { name: 'a' }
    for (let level = 0; level < 20; level++) deep = { $and: [deep] }
    expect((await send(dataset, { filter: deep })).status).toBe(400)
    expect((await send(dataset, { filter: { $or: Array.from({ length: 501 }, () => ({ name: 'a' })) } })).status).toBe(
      400,
    )
    expect((await send(dataset, { filter: { name: { $in: Array.from({ length: 10_001 }, String) } } })).status).toBe(
      400,
    )
  })

  test('no value of a query becomes SQL', async () => {
    const dataset = await seed(["'; drop table item; --", 'a'])
    const nasty = ["'; drop table item; --", '$1', '") or true --', '\\', "\\'", '%', '{}', '{"a"}', '$$']
    for (const value of nasty) {
      for (const field of [
        'name',
        'filename',
        'dir',
        'mimetype',
        'metadata.user.x',
        'metadata.system.storage.etag',
        'creator',
      ]) {
        for (const op of ['$eq', '$in', '$ne', '$gt']) {
          const answer = await send(dataset, { filter: { [field]: { [op]: op === '$in' ? [value] : value } } })
          expect([200, 400], `${field} ${op} ${value}: ${answer.text}`).toContain(answer.status)
        }
      }
      const answer = await send(dataset, { filter: { [`metadata.user.${value.replaceAll('.', '')}`]: value } })
      expect([200, 400], answer.text).toContain(answer.status)
    }
    expect(await found(dataset, { name: "'; drop table item; --" })).toEqual(["/'; drop table item; --"])
  })
})
