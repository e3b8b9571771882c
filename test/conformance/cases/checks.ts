// The check tries what a driver needs, says what is wrong, and leaves nothing behind.
import { expect } from 'vitest'
import { HIDDEN_FOLDER } from '#storage/key.ts'
import { type ConformanceCase, eachCase, type Stage, UNNAMED } from '../stage.ts'
import { put } from '../storage-calls.ts'

export const checkCases: readonly ConformanceCase[] = [
  { name: 'everything allowed: all is ok and nothing is left behind', needs: ['write'], run: clean },
  ...eachCase(
    ['ü +%', 'a//b', "quote'd & <tagged>", '日本/😀'],
    (name) => `a folder called ${name}`,
    ['write'],
    async ({ storage, backdoor, freshFolder }, name) => {
      const folder = `${freshFolder()}${name}/`
      if (!backdoor.canName(`${folder}item`)) return UNNAMED
      await put(storage, `${folder}item`)
      const report = await storage.check({ folder, allowDelete: true })
      expect([report.ok, report.warnings]).toEqual([true, []])
      expect((await backdoor.keys()).filter((key) => key.startsWith(folder))).toEqual([`${folder}item`])
      return undefined
    },
  ),
  { name: 'an empty folder is a warning', needs: [], run: emptyFolder },
  { name: 'a folder with nothing but our own hidden one is empty as well', needs: ['write'], run: hiddenOnly },
  { name: 'a folder that is a file is refused with its own code', needs: ['write'], run: folderIsFile },
  { name: 'read-only: writes nothing, and that is no failure', needs: ['write'], run: readOnly },
  { name: 'puts its file into the hidden folder that it is told', needs: ['write'], run: otherHiddenFolder },
  { name: 'every probe is there, in one order, and what failed is a sentence', needs: [], run: probes },
  { name: 'tells its capabilities, of every kind', needs: [], run: capabilities },
  { name: 'two at once do not disturb each other for good', needs: ['write'], run: twice },
]

async function clean({ storage, backdoor, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  await put(storage, `${folder}item`)
  const report = await storage.check({ folder, allowDelete: true })
  expect(report.ok).toBe(true)
  expect(report.warnings).toEqual([])
  const failed = report.probes.filter(({ ok }) => !ok).map(({ name }) => name)
  expect(failed).toEqual(storage.can.sign_read ? [] : ['sign'])
  expect((await backdoor.keys()).filter((key) => key.startsWith(folder))).toEqual([`${folder}item`])
}

async function emptyFolder({ storage, freshFolder }: Stage): Promise<void> {
  const report = await storage.check({ folder: freshFolder(), allowDelete: false })
  expect([report.ok, report.warnings.length]).toEqual([true, 1])
}

async function hiddenOnly({ storage, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  await put(storage, `${folder}${HIDDEN_FOLDER}/thumbnails/x`)
  const report = await storage.check({ folder, allowDelete: true })
  expect([report.ok, report.warnings.length]).toEqual([true, 1])
}

async function folderIsFile({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}picture.jpg`
  await put(storage, key)
  const report = await storage.check({ folder: `${key}/`, allowDelete: false })
  expect(report.ok).toBe(false)
  expect(report.probes[0]).toMatchObject({ name: 'list', ok: false, code: 'storage.folder_is_file' })
}

async function readOnly({ storage, backdoor, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  await put(storage, `${folder}item`, 'content')
  const before = (await backdoor.keys()).sort()
  const report = await storage.check({ folder, allowDelete: false, isReadOnly: true })
  expect(report.ok).toBe(true)
  expect(report.probes.find(({ name }) => name === 'write')).toMatchObject({ ok: false, optional: true })
  expect((await backdoor.keys()).sort()).toEqual(before)
}

async function otherHiddenFolder({ storage, backdoor, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  const report = await storage.check({ folder, hiddenFolder: '.ours', allowDelete: true })
  expect(report.ok).toBe(true)
  expect((await backdoor.keys()).filter((key) => key.startsWith(folder))).toEqual([])
}

async function probes({ storage, freshFolder }: Stage): Promise<void> {
  const { probes: found } = await storage.check({ folder: freshFolder(), allowDelete: false })
  expect(found.map(({ name }) => name)).toEqual(['list', 'write', 'read', 'range', 'sign', 'delete'])
  for (const { ok, message, code } of found) {
    if (!ok)
      expect([message, code]).toEqual([expect.stringMatching(/\.$/), expect.stringMatching(/^[a-z_]+\.[a-z_]+$/)])
  }
}

async function capabilities({ storage, freshFolder }: Stage): Promise<void> {
  const report = await storage.check({ folder: freshFolder(), allowDelete: false })
  expect(Object.keys(report.capabilities).sort()).toEqual(Object.keys(storage.can).sort())
}

async function twice({ storage, backdoor, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  await put(storage, `${folder}item`)
  await Promise.all([1, 2].map(() => storage.check({ folder, allowDelete: true })))
  const report = await storage.check({ folder, allowDelete: true })
  expect(report.ok).toBe(true)
  expect((await backdoor.keys()).filter((key) => key.startsWith(folder))).toEqual([`${folder}item`])
}
