// Reading gives the bytes that were written, all or a part, of the version that is meant.
import { buffer } from 'node:stream/consumers'
import { expect } from 'vitest'
import { type ConformanceCase, eachCase, type Stage } from '../stage.ts'
import { contentOf, entriesOf, expectKind, put, rewrite } from '../storage-calls.ts'

const ranges = [
  { range: { start: 0, end: 0 }, bytes: '0' },
  { range: { start: 0, end: 9 }, bytes: '0123456789' },
  { range: { start: 3, end: 5 }, bytes: '345' },
  { range: { start: 9, end: 9 }, bytes: '9' },
  { range: { start: 9 }, bytes: '9' },
  { range: { start: 4 }, bytes: '456789' },
  { range: { start: 0 }, bytes: '0123456789' },
  { range: { start: 8, end: 99 }, bytes: '89' },
  { range: { start: 0, end: 99 }, bytes: '0123456789' },
]

export const readCases: readonly ConformanceCase[] = [
  { name: 'what is not there: stat is null, read is not-found', needs: [], run: absent },
  { name: 'a part of what is not there is not-found as well', needs: ['read_range'], run: absentPart },
  { name: 'a folder is no object', needs: ['write'], run: folderIsNone },
  { name: 'an object without bytes', needs: ['write'], run: withoutBytes },
  { name: 'all of an object without bytes, asked for as a range', needs: ['write', 'read_range'], run: rangeOfNothing },
  ...eachCase(
    ranges,
    ({ range: { start, end } }) => `the range ${start}–${end ?? ''} of ten bytes`,
    ['write', 'read_range'],
    async ({ storage, freshFolder }, { range, bytes }) => {
      const key = `${freshFolder()}ten`
      await put(storage, key, '0123456789')
      const opened = await storage.read(key, { range })
      expect(opened.bodyBytes).toBe(bytes.length)
      expect(opened.entry.sizeBytes).toBe(10)
      expect((await buffer(opened.body)).toString()).toBe(bytes)
    },
  ),
  ...eachCase(
    [10, 11, 1_000_000],
    (start) => `refuses a range of ten bytes that begins at ${start.toLocaleString('en')}`,
    ['write', 'read_range'],
    async ({ storage, freshFolder }, start) => {
      const key = `${freshFolder()}ten`
      await put(storage, key, '0123456789')
      await expectKind(storage.read(key, { range: { start } }), 'invalid')
    },
  ),
  { name: 'list, stat, read and write tell the same etag, size and time', needs: ['write'], run: sameFacts },
  { name: 'reads the version that is expected', needs: ['write'], run: expected },
  { name: 'refuses to read another version than expected', needs: ['write'], run: another },
  { name: 'refuses a part of another version than expected', needs: ['write', 'read_range'], run: anotherPart },
  { name: 'a version of nothing is not read', needs: [], run: versionOfNothing },
  { name: 'many readers of one object at once each get all of it', needs: ['write'], run: manyReaders },
  { name: 'a reader that goes away early harms no other', needs: ['write'], run: earlyEnd },
]

async function absent({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}absent`
  expect(await storage.stat(key)).toBeNull()
  await expectKind(storage.read(key), 'not-found')
}

async function absentPart({ storage, freshFolder }: Stage): Promise<void> {
  await expectKind(storage.read(`${freshFolder()}absent`, { range: { start: 0, end: 1 } }), 'not-found')
}

async function folderIsNone({ storage, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  await put(storage, `${folder}name/file`)
  expect(await storage.stat(`${folder}name`)).toBeNull()
  await expectKind(storage.read(`${folder}name`), ['not-found', 'unsupported'])
}

async function withoutBytes({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}empty`
  await put(storage, key, '')
  expect(await storage.stat(key)).toMatchObject({ sizeBytes: 0 })
  expect(await contentOf(storage, key)).toEqual(Buffer.alloc(0))
}

async function rangeOfNothing({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}empty`
  await put(storage, key, '')
  const ranged = await storage.read(key, { range: { start: 0 } })
  expect(ranged.bodyBytes).toBe(0)
  expect(await buffer(ranged.body)).toEqual(Buffer.alloc(0))
}

async function sameFacts({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}x`
  const written = await put(storage, key, 'abc')
  const stat = await storage.stat(key)
  const [listed] = entriesOf(await storage.list({ prefix: key }))
  const opened = await storage.read(key)
  await buffer(opened.body)
  for (const entry of [stat!, listed!, opened.entry]) {
    expect(entry).toMatchObject({ key, etag: written.etag, sizeBytes: 3 })
    expect(Math.abs(entry.modifiedMs - stat!.modifiedMs)).toBeLessThan(1000)
  }
}

async function twoVersions({ storage, freshFolder }: Stage): Promise<{ key: string; old: string; now: string }> {
  const key = `${freshFolder()}twice`
  const [first, second] = await rewrite(storage, key, 'one', 'two!')
  return { key, old: first.etag, now: second.etag }
}

async function expected(stage: Stage): Promise<void> {
  const { key, now } = await twoVersions(stage)
  expect((await buffer((await stage.storage.read(key, { ifMatch: now })).body)).toString()).toBe('two!')
}

async function another(stage: Stage): Promise<void> {
  const { key, old } = await twoVersions(stage)
  await expectKind(stage.storage.read(key, { ifMatch: old }), 'precondition-failed')
}

async function anotherPart(stage: Stage): Promise<void> {
  const { key, old, now } = await twoVersions(stage)
  const range = { start: 1, end: 2 }
  await expectKind(stage.storage.read(key, { ifMatch: old, range }), 'precondition-failed')
  expect((await buffer((await stage.storage.read(key, { ifMatch: now, range })).body)).toString()).toBe('wo')
}

async function versionOfNothing({ storage, freshFolder }: Stage): Promise<void> {
  const ifMatch = '00000000000000000000000000000000'
  await expectKind(storage.read(`${freshFolder()}absent`, { ifMatch }), ['not-found', 'precondition-failed'])
}

async function manyReaders({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}shared`
  const text = '0123456789'.repeat(20_000)
  await put(storage, key, text)
  const all = await Promise.all(Array.from({ length: 8 }, () => contentOf(storage, key)))
  for (const one of all) expect(one.toString() === text).toBe(true)
}

async function earlyEnd({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}left`
  const text = '0123456789'.repeat(300_000)
  await put(storage, key, text)
  const opened = await storage.read(key)
  opened.body.on('error', () => {}).destroy()
  expect((await contentOf(storage, key)).toString() === text).toBe(true)
}
