// Proves that one process at most holds a data folder, and that locks left behind by the dead never keep the living out.
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DataFolderLockedError, lockDataFolder } from './data-lock.ts'
import { isRunning, isSameProcess, markOf } from './process-mark.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const leave = async (number: number, content: string) => {
  await mkdir(join(folder, 'lock'), { recursive: true })
  await writeFile(join(folder, 'lock', `lock.${number}`), content)
}

test('a held folder is refused with a sentence that names the holder and the variable', async () => {
  const lock = await lockDataFolder(folder)
  await expect(lockDataFolder(folder)).rejects.toThrow(DataFolderLockedError)
  await expect(lockDataFolder(folder)).rejects.toThrow(new RegExp(`process ${process.pid}.*SLUICE_DATA_DIR`))
  await lock.release()
  await lock.release()
  await (await lockDataFolder(folder)).release()
})

test('of many that come at once, whatever was left behind, exactly one gets it, round after round', async () => {
  const dead = JSON.stringify({ ...(await markOf(process.pid)), startedAt: '1' })
  const leftover = fc.constantFrom('', '{"pid":', dead, 'nonsense')
  await fc.assert(
    fc.asyncProperty(
      fc.array(leftover, { maxLength: 3 }),
      fc.integer({ min: 2, max: 12 }),
      async (leftovers, contenders) => {
        await rm(join(folder, 'lock'), { recursive: true, force: true })
        for (const [i, content] of leftovers.entries()) await leave(i + 1, content)
        for (let round = 0; round < 2; round++) {
          const all = await Promise.allSettled(Array.from({ length: contenders }, () => lockDataFolder(folder)))
          const won = all.filter((each) => each.status === 'fulfilled')
          expect(won).toHaveLength(1)
          await won[0]!.value.release()
        }
        expect(await readdir(join(folder, 'lock'))).toHaveLength(1)
      },
    ),
    { numRuns: 25 },
  )
})

test('a holder in another container counts while its file is fresh, and no longer', async () => {
  const foreign = JSON.stringify({ pid: 1, startedAt: '1', place: 'another machine' })
  await leave(4, foreign)
  await expect(lockDataFolder(folder)).rejects.toThrow(DataFolderLockedError)
  const old = new Date(Date.now() - 60_000)
  await utimes(join(folder, 'lock', 'lock.4'), old, old)
  await (await lockDataFolder(folder)).release()
})

test('a process is known by its start, not by its number alone', async () => {
  const mark = (await markOf(process.pid))!
  expect(await isSameProcess(mark)).toBe(true)
  expect(await isSameProcess({ ...mark, startedAt: `${mark.startedAt}0` })).toBe(false)
  expect(await isSameProcess({ ...mark, place: 'elsewhere' })).toBe('unknown')
  // No system gives out this number.
  expect([isRunning(process.pid), isRunning(2 ** 30), await markOf(2 ** 30)]).toEqual([true, false, null])
})
