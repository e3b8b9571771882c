// Proves that the local-folder driver does what every storage driver must, and stays inside its folder whatever lies there.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { skipReasons } from '#contract/skip-reasons.ts'
import { openLocalStorage } from '#storage/local/local.ts'
import type { Storage } from '#storage/port.ts'
import { walk } from '#storage/walk/walk.ts'
import { seedRanges } from '#test/support/seed-ranges.ts'
import { storageConformance } from './storage.suite.ts'

storageConformance('local folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sluice-local-'))
  return {
    storage: await openLocalStorage({ rootPath: root, allowedRoots: [root] }),
    backdoor: {
      canName: (key) => key.split('/').every((part) => part !== '' && Buffer.byteLength(part) <= 255),
      async keys() {
        const found = await readdir(root, { recursive: true, withFileTypes: true })
        return found
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      },
    },
    close: () => rm(root, { recursive: true }),
  }
})

describe('a local folder stays inside itself', () => {
  let base: string
  let root: string
  let storage: Storage

  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'sluice-root-')))
    root = join(base, 'open')
    await mkdir(join(root, 'sub'), { recursive: true })
    await mkdir(join(base, 'open-not'))
    await writeFile(join(base, 'open-not', 'secret'), 'secret')
    await writeFile(join(root, 'file'), 'file')
    storage = await openLocalStorage({ rootPath: root, allowedRoots: [root] })
  })
  afterEach(() => rm(base, { recursive: true }))

  test('only folders that the operator opened can be opened', async () => {
    const open = (rootPath: string, allowedRoots: string[]) =>
      openLocalStorage({ rootPath, allowedRoots }).then(
        () => 'opened',
        (error) => error.kind,
      )
    await symlink(join(base, 'open-not'), join(root, 'way-out'))
    expect(await open(root, [root])).toBe('opened')
    expect(await open(join(root, 'sub'), [root])).toBe('opened')
    expect(await open(root, [base])).toBe('opened')
    expect(await open(root, [])).toBe('root-not-allowed')
    expect(await open(join(base, 'open-not'), [root])).toBe('root-not-allowed')
    expect(await open(base, [root])).toBe('root-not-allowed')
    expect(await open('/', [root])).toBe('root-not-allowed')
    expect(await open('open', [root])).toBe('root-not-allowed')
    expect(await open(join(root, 'way-out'), [root])).toBe('root-not-allowed')
    expect(await open(`${root}/../open-not`, [root])).toBe('root-not-allowed')
    expect(await open(join(base, 'absent'), [root])).toBe('root-not-allowed')
    expect(await open(join(root, 'absent'), [root])).toBe('unknown-bucket')
    expect(await open(join(root, 'file'), [root])).toBe('unknown-bucket')
  })

  test('links that lead out are skipped with a reason, and refused by name', async () => {
    await symlink(join(base, 'open-not', 'secret'), join(root, 'link-out'))
    await symlink(join(base, 'open-not'), join(root, 'folder-out'))
    await symlink(join(root, 'file'), join(root, 'link-in'))
    await symlink(root, join(root, 'sub', 'circle'))
    await symlink(join(root, 'nowhere'), join(root, 'link-to-nothing'))
    await promisify(execFile)('mkfifo', [join(root, 'pipe')])
    const page = await storage.list({ prefix: '' })
    const keys: string[] = []
    while (page.entries.next()) keys.push(page.entries.keyBytes.toString('utf8', 0, page.entries.keyEnd))
    expect(keys).toEqual(['file', 'link-in'])
    expect(page.skipped?.map(({ key }) => key.toString())).toEqual([
      'folder-out',
      'link-out',
      'link-to-nothing',
      'pipe',
      'sub/circle/',
    ])
    for (const { reason } of page.skipped ?? []) expect(Object.keys(skipReasons)).toContain(reason)

    const kindOf = (promise: Promise<unknown>) => promise.catch((error) => error.kind)
    expect(await kindOf(storage.read('link-out'))).toBe('forbidden')
    expect(await kindOf(storage.stat('link-out'))).toBe('forbidden')
    expect(await kindOf(storage.read('folder-out/secret'))).toBe('forbidden')
    expect(await kindOf(storage.write('folder-out/x', Buffer.alloc(0), { sizeBytes: 0 }))).toBe('forbidden')
    expect(await kindOf(storage.write('folder-out/new/x', Buffer.alloc(0), { sizeBytes: 0 }))).toBe('forbidden')
    expect(await kindOf(storage.remove(['folder-out/secret']))).toBe('forbidden')
    expect(await kindOf(storage.read('pipe'))).toBe('unsupported')
    expect(await readdir(join(base, 'open-not'))).toEqual(['secret'])
    expect((await buffer((await storage.read('link-in')).body)).toString()).toBe('file')
  })

  test('what is skipped is told once, however small the pages and wherever ranges meet', async () => {
    const skipped = Array.from({ length: 40 }, (_, n) => `dir/${n < 20 ? 'mixed' : 'tail'}-${10 + n}-link`)
    const files = Array.from({ length: 20 }, (_, n) => `dir/mixed-${10 + n}-file`).concat('file')
    await mkdir(join(root, 'dir'))
    for (const key of files) await writeFile(join(root, key), '')
    for (const key of skipped) await symlink('nowhere', join(root, key))
    for (const entriesMax of [1, 3, 7, 1000]) {
      for (const borders of [[], ['dir/mixed-15-file', 'dir/mixed-20', 'dir/tail-35-link']]) {
        const found: string[] = []
        const told: string[] = []
        await walk({
          storage: {
            ...storage,
            can: storage.can,
            list: (query) =>
              storage.list({ ...query, entriesMax: Math.min(entriesMax, query.entriesMax ?? entriesMax) }),
          },
          prefix: '',
          ranges: seedRanges(
            borders.map((key) => Buffer.from(key)),
            { prefix: Buffer.alloc(0), rangesMax: 4 },
          ),
          connectionsMax: 4,
          mayListBelow: true,
          signal: new AbortController().signal,
          cost: { requests: 0 },
          onRange: () => {},
          onPage: ({ to }, page) => {
            const isInside = (key: Buffer) => to === null || key.compare(to) <= 0
            for (const { key } of page.skipped ?? []) if (isInside(key)) told.push(key.toString())
            const { entries } = page
            while (entries.next()) {
              const key = Buffer.from(entries.keyBytes.subarray(entries.keyStart, entries.keyEnd))
              if (isInside(key)) found.push(key.toString())
            }
          },
        })
        expect(found.sort()).toEqual(files)
        expect(told.sort()).toEqual(skipped)
      }
    }
  })

  test('removing a link removes the link', async () => {
    await symlink(join(root, 'file'), join(root, 'link-in'))
    await storage.remove(['link-in'])
    expect(await readdir(root)).toEqual(['file', 'sub'])
  })

  test('changes show in the next listing, in folders that were listed before too', async () => {
    const keysOf = async () => {
      const page = await storage.list({ prefix: '' })
      const keys: string[] = []
      while (page.entries.next()) keys.push(page.entries.keyBytes.toString('utf8', 0, page.entries.keyEnd))
      return keys
    }
    expect(await keysOf()).toEqual(['file'])
    await writeFile(join(root, 'sub', 'new'), '')
    await rm(join(root, 'file'))
    expect(await keysOf()).toEqual(['sub/new'])
  })

  test('a folder that went away is an error, not an empty listing', async () => {
    await rm(root, { recursive: true })
    await expect(storage.list({ prefix: '' })).rejects.toMatchObject({ name: 'StorageError' })
  })

  test('names that are not UTF-8 are listed as their bytes', async () => {
    await writeFile(Buffer.concat([Buffer.from(`${root}/bad-`), Buffer.from([0xff, 0xfe])]), 'x')
    const page = await storage.list({ prefix: 'bad' })
    expect(page.entries.next()).toBe(true)
    expect(page.entries.keyBytes.subarray(page.entries.keyStart, page.entries.keyEnd)).toEqual(
      Buffer.from([0x62, 0x61, 0x64, 0x2d, 0xff, 0xfe]),
    )
  })
})
