// Listings are complete, in order where that is promised, and say how they go on.
import { expect } from 'vitest'
import type { ListQuery } from '#storage/port.ts'
import { type ConformanceCase, eachCase, type Stage } from '../stage.ts'
import { entriesOf, inByteOrder, listAll, put, putAll } from '../storage-calls.ts'

/** Names that sort otherwise as text, at the borders of folders and pages. */
const twentyThree = Array.from({ length: 23 }, (_, i) => `${(i * 7) % 23}-é${i % 3 ? '' : '/x'}`)
const pageSizes = [1, 2, 3, 5, 11, 22, 23, 24, 100]
/** More than one page of most providers. */
const MANY = 1003

const prefixNames = ['da/x', 'da/y/z', 'data/x', 'da-ta', 'd', 'é/x', 'e f+%&<>/x']
const prefixRows = [
  { prefix: 'da/', finds: ['da/x', 'da/y/z'] },
  { prefix: 'da', finds: ['da-ta', 'da/x', 'da/y/z', 'data/x'] },
  { prefix: 'da/x', finds: ['da/x'] },
  { prefix: 'da/x/', finds: [] },
  { prefix: 'da//', finds: [] },
  { prefix: '/da', finds: [] },
  { prefix: 'DA', finds: [] },
  { prefix: 'e f+%&<>/', finds: ['e f+%&<>/x'] },
  { prefix: 'e%20f', finds: [] },
  { prefix: 'é/', finds: ['é/x'] },
  { prefix: 'e\u0301/', finds: [] },
]
const afterRows = [
  { after: '', finds: ['a', 'b', 'c é+'] },
  { after: 'a', finds: ['b', 'c é+'] },
  { after: 'aa', finds: ['b', 'c é+'] },
  { after: 'a\u0001', finds: ['b', 'c é+'] },
  { after: 'b/', finds: ['c é+'] },
  { after: 'c', finds: ['c é+'] },
  { after: 'c é+', finds: [] },
  { after: '~~~', finds: [] },
  { after: '😀', finds: [] },
]
const foldNames = ['a/1', 'a/2', 'a-file', 'b/c/d', 'b/c/e', 'b/f', 'e f+%/x', 'z']
const foldRows = [
  { prefix: '', folders: ['a/', 'b/', 'e f+%/'], files: ['a-file', 'z'] },
  { prefix: 'a', folders: ['a/'], files: ['a-file'] },
  { prefix: 'a/', folders: [], files: ['a/1', 'a/2'] },
  { prefix: 'b/', folders: ['b/c/'], files: ['b/f'] },
  { prefix: 'b/c', folders: ['b/c/'], files: [] },
  { prefix: 'e f+%/', folders: [], files: ['e f+%/x'] },
  { prefix: 'nothing/', folders: [], files: [] },
]

export const listingCases: readonly ConformanceCase[] = [
  { name: 'a folder with nothing in it is an empty page with nothing behind it', needs: [], run: empty },
  { name: 'one key is one page', needs: ['write'], run: one },
  {
    name: 'tells size, etag, date, count and last key, the last key before the entries are walked',
    needs: ['write'],
    run: facts,
  },
  ...eachCase(
    pageSizes,
    (n) => `by token, ${n} of 23 keys a page, gives every key once`,
    ['write'],
    async (stage, entriesMax) => {
      const { prefix, keys } = await filled(stage, twentyThree)
      expect(await listAll(stage.storage, { prefix, entriesMax })).toEqual(keys)
    },
  ),
  ...eachCase(
    pageSizes,
    (n) => `from key to key, ${n} of 23 keys a page, gives every key once`,
    ['write', 'list_after'],
    async (stage, entriesMax) => {
      const { prefix, keys } = await filled(stage, twentyThree)
      // A provider whose place to begin is inclusive cannot go on in pages of one.
      if (entriesMax === 1 && stage.options.hasShortPages === true) entriesMax = 2
      expect(await listAll(stage.storage, { prefix, entriesMax }, 'after')).toEqual(keys)
    },
  ),
  {
    name: `${MANY.toLocaleString('en')} keys in full pages come once each`,
    needs: ['write'],
    timeoutMs: 240_000,
    run: many,
  },
  ...eachCase(
    prefixRows,
    ({ prefix, finds }) => `the prefix “${prefix}” finds ${finds.length === 0 ? 'nothing' : finds.join(', ')}`,
    ['write'],
    async (stage, row) => {
      const { prefix } = await filled(stage, prefixNames)
      expect(await listAll(stage.storage, { prefix: prefix + row.prefix })).toEqual(
        inByteOrder(row.finds.map((name) => prefix + name)),
      )
    },
  ),
  {
    name: 'a prefix is bytes: nothing that another case, form of a letter or a wildcard would add',
    needs: ['write'],
    run: neighbours,
  },
  { name: 'no prefix is everything', needs: ['write'], run: everything },
  ...eachCase(
    afterRows,
    ({ after, finds }) => `behind “${after}” come ${finds.length === 0 ? 'none' : finds.join(', ')}`,
    ['write', 'list_after'],
    async (stage, row) => {
      const { storage } = stage
      const { prefix } = await filled(stage, ['a', 'b', 'c é+'])
      const page = await storage.list({ prefix, after: Buffer.from(prefix + row.after) })
      expect(entriesOf(page).map(({ key }) => key)).toEqual(row.finds.map((name) => prefix + name))
    },
  ),
  {
    name: 'a place before the prefix begins at its first key, one behind it finds nothing',
    needs: ['write', 'list_after'],
    run: afterOutside,
  },
  ...eachCase(
    foldRows,
    ({ prefix, folders, files }) => `folded at “${prefix}”: ${[...folders, ...files].join(', ') || 'nothing'}`,
    ['write'],
    fold,
  ),
  ...eachCase(
    [1, 2, 3, 1000],
    (n) => `folded, ${n} a page: folders count as entries, and come once`,
    ['write'],
    foldedPages,
  ),
  { name: 'several pages may be held at once', needs: ['write'], run: heldPages },
  { name: 'a page that was let go twice, or not walked, harms no other', needs: ['write'], run: releasedPages },
  { name: 'many requests at once each get their own answer', needs: ['write'], run: manyRequests },
  { name: 'what was written last is what is listed', needs: ['write'], run: fresh },
]

async function filled(
  { storage, freshFolder }: Stage,
  names: readonly string[],
): Promise<{ prefix: string; keys: string[] }> {
  const prefix = freshFolder()
  const keys = inByteOrder(names.map((name) => prefix + name))
  await putAll(storage, keys)
  return { prefix, keys }
}

async function empty({ storage, freshFolder }: Stage): Promise<void> {
  const page = await storage.list({ prefix: freshFolder() })
  expect(page).toMatchObject({ count: 0, lastKey: null, prefixes: [], isTruncated: false, token: undefined })
  expect(page.entries.next()).toBe(false)
  page.release()
  page.release()
}

async function one(stage: Stage): Promise<void> {
  const { prefix, keys } = await filled(stage, ['only'])
  const page = await stage.storage.list({ prefix, entriesMax: 1 })
  expect([page.count, page.lastKey?.toString()]).toEqual([1, keys[0]])
  expect(entriesOf(page).map(({ key }) => key)).toEqual(keys)
  expect(await listAll(stage.storage, { prefix, entriesMax: 1 })).toEqual(keys)
}

async function facts({ storage, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  const before = Date.now() - 60_000
  for (const [i, name] of ['a', 'b', 'c'].entries()) await put(storage, folder + name, 'x'.repeat(i))
  const page = await storage.list({ prefix: folder })
  expect(page.count).toBe(3)
  expect(page.lastKey?.toString()).toBe(`${folder}c`)
  const entries = entriesOf(page)
  expect(entries.map(({ sizeBytes }) => sizeBytes)).toEqual([0, 1, 2])
  for (const entry of entries) {
    expect(entry.modifiedMs).toBeGreaterThan(before)
    expect(entry.modifiedMs).toBeLessThan(Date.now() + 60_000)
    expect(entry.etag).toMatch(/^[^"]+$/)
  }
}

async function many(stage: Stage): Promise<void> {
  const { storage } = stage
  const { prefix, keys } = await filled(
    stage,
    Array.from({ length: MANY }, (_, i) => `${i % 7}/${i}`),
  )
  expect(await listAll(storage, { prefix })).toEqual(keys)
  const page = await storage.list({ prefix })
  expect(page.count).toBeLessThanOrEqual(storage.can.list_page_max)
  page.release()
  for (let from = 0; from < keys.length; from += storage.can.remove_batch_max) {
    const outcomes = await storage.remove(keys.slice(from, from + storage.can.remove_batch_max))
    expect(outcomes.filter(({ ok }) => !ok)).toEqual([])
  }
  expect(await listAll(storage, { prefix })).toEqual([])
}

async function neighbours(stage: Stage): Promise<void> {
  const inside = ['da_a/x', 'da_a/y/z']
  const { prefix } = await filled(stage, [...inside, 'da_ab/x', 'daXa/x', 'DA_A/x', 'da_', 'da%a/x'])
  expect(await listAll(stage.storage, { prefix: `${prefix}da_a/` })).toEqual(inside.map((name) => prefix + name))
}

async function everything(stage: Stage): Promise<void> {
  const { keys } = await filled(stage, ['a', 'b/c'])
  const found = await listAll(stage.storage, { prefix: '' })
  expect(found).toEqual(inByteOrder(await stage.backdoor.keys()))
  expect(found).toEqual(expect.arrayContaining(keys))
}

async function afterOutside(stage: Stage): Promise<void> {
  const { prefix, keys } = await filled(stage, ['a', 'b'])
  const before = await stage.storage.list({ prefix, after: Buffer.from('!') })
  expect(entriesOf(before).map(({ key }) => key)).toEqual(keys)
  const behind = await stage.storage.list({ prefix, after: Buffer.from('~~~') })
  expect(behind).toMatchObject({ count: 0, lastKey: null, isTruncated: false })
  behind.release()
}

async function fold(stage: Stage, row: (typeof foldRows)[number]): Promise<void> {
  const { prefix } = await filled(stage, foldNames)
  const page = await stage.storage.list({ prefix: prefix + row.prefix, delimiter: '/' })
  expect(page.prefixes.map(String)).toEqual(row.folders.map((name) => prefix + name))
  expect(entriesOf(page).map(({ key }) => key)).toEqual(row.files.map((name) => prefix + name))
}

async function foldedPages(stage: Stage, entriesMax: number): Promise<void> {
  const { prefix } = await filled(stage, foldNames)
  const seen: string[] = []
  let token: string | undefined
  do {
    const query: ListQuery = { prefix, delimiter: '/', entriesMax, token }
    const part = await stage.storage.list(query)
    expect(part.count + part.prefixes.length).toBeLessThanOrEqual(entriesMax)
    seen.push(...part.prefixes.map(String), ...entriesOf(part).map(({ key }) => key))
    token = part.token
  } while (token !== undefined)
  expect(inByteOrder(seen)).toEqual(['a-file', 'a/', 'b/', 'e f+%/', 'z'].map((name) => prefix + name))
}

async function heldPages(stage: Stage): Promise<void> {
  const { prefix, keys } = await filled(stage, ['a', 'b', 'c', 'd'])
  const first = await stage.storage.list({ prefix, entriesMax: 2 })
  const second = await stage.storage.list({ prefix, entriesMax: 2, token: first.token })
  const [behind, before] = [entriesOf(second).map(({ key }) => key), entriesOf(first).map(({ key }) => key)]
  expect([before.length, behind.length]).toEqual([2, 2])
  expect(inByteOrder([...before, ...behind])).toEqual(keys)
}

async function releasedPages(stage: Stage): Promise<void> {
  const { prefix, keys } = await filled(stage, ['a', 'b', 'c'])
  const twice = await stage.storage.list({ prefix })
  expect(entriesOf(twice).length).toBe(3)
  twice.release()
  const unseen = await stage.storage.list({ prefix })
  const held = await stage.storage.list({ prefix })
  unseen.release()
  expect(entriesOf(held).map(({ key }) => key)).toEqual(keys)
}

async function manyRequests(stage: Stage): Promise<void> {
  const names = Array.from({ length: 12 }, (_, i) => `${i}/`)
  const { prefix } = await filled(
    stage,
    names.map((name) => `${name}file`),
  )
  const all = await Promise.all(names.map((name) => listAll(stage.storage, { prefix: prefix + name })))
  expect(all).toEqual(names.map((name) => [`${prefix}${name}file`]))
}

async function fresh(stage: Stage): Promise<void> {
  const { storage } = stage
  const { prefix } = await filled(stage, ['a', 'b'])
  const written = await put(storage, `${prefix}b`, 'longer than before')
  await storage.remove([`${prefix}a`])
  await put(storage, `${prefix}c`)
  const entries = entriesOf(await storage.list({ prefix }))
  expect(entries.map(({ key }) => key)).toEqual([`${prefix}b`, `${prefix}c`])
  expect(entries[0]).toMatchObject({ etag: written.etag, sizeBytes: written.sizeBytes })
}
