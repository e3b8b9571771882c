// Removing takes away exactly what was named.
import { expect } from 'vitest'
import { type ConformanceCase, eachCase, type Stage, UNNAMED } from '../stage.ts'
import { contentOf, expectKind, inByteOrder, listAll, put, putAll, rewrite } from '../storage-calls.ts'

const oddNames = [
  'a b',
  'a+b',
  'a%20b',
  '&<>"\'',
  ']]>',
  'é',
  'e\u0301',
  '😀',
  '__proto__',
  'x#y?z',
  'back\\slash',
  '~tilde',
]
const noVersion = '00000000000000000000000000000000'

export const removalCases: readonly ConformanceCase[] = [
  { name: 'what is not there counts as removed', needs: ['write'], run: missing },
  { name: 'what was removed is removed once more', needs: ['write'], run: twice },
  { name: 'no keys at all are no request that fails', needs: ['write'], run: none },
  { name: 'many at once, and only those', needs: ['write'], run: many },
  { name: 'outcomes come in the order of the keys, one each', needs: ['write'], run: order },
  ...eachCase(
    oddNames,
    (name) => `“${name.replace('e\u0301', 'é (two letters)')}” out of its neighbours`,
    ['write'],
    async ({ storage, backdoor, freshFolder }, name) => {
      const folder = freshFolder()
      if (!backdoor.canName(folder + name)) {
        await expectKind(storage.remove([folder + name]), 'unaddressable')
        return UNNAMED
      }
      const others = oddNames
        .filter((other) => other !== name && backdoor.canName(folder + other))
        .map((other) => folder + other)
      await putAll(storage, [...others, folder + name])
      expect(await storage.remove([folder + name])).toEqual([{ key: folder + name, ok: true }])
      expect(await listAll(storage, { prefix: folder })).toEqual(inByteOrder(others))
      return undefined
    },
  ),
  { name: 'not what only begins alike', needs: ['write'], run: alike },
  { name: 'not what is in a folder of its name', needs: ['write'], run: folder },
  {
    name: 'one key that nobody may address: refused, and all of the others stay',
    needs: ['write'],
    run: unaddressable,
  },
  { name: 'a whole batch of the most that fit', needs: ['write'], run: fullBatch },
  { name: 'a file that was removed and written again is there', needs: ['write'], run: again },
  { name: 'on a condition: the version that is there goes', needs: ['write', 'remove_if_match'], run: matching },
  { name: 'on a condition: another version stays', needs: ['write', 'remove_if_match'], run: mismatching },
  { name: 'on a condition: a version that was replaced stays', needs: ['write', 'remove_if_match'], run: replaced },
  { name: 'on a condition: nothing there', needs: ['write', 'remove_if_match'], run: matchNothing },
]

async function missing({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}absent`
  expect(await storage.remove([key])).toEqual([{ key, ok: true }])
}

async function twice({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}x`
  await put(storage, key)
  for (let time = 0; time < 2; time++) expect(await storage.remove([key])).toEqual([{ key, ok: true }])
  expect(await storage.stat(key)).toBeNull()
}

async function none({ storage }: Stage): Promise<void> {
  expect(await storage.remove([])).toEqual([])
}

async function many({ storage, freshFolder }: Stage): Promise<void> {
  const prefix = freshFolder()
  const keys = Array.from({ length: 20 }, (_, i) => `${prefix}k ${i}&+%<é>`)
  await putAll(storage, keys)
  const gone = [...keys.slice(0, 10), `${prefix}never-was`]
  expect(await storage.remove(gone)).toEqual(gone.map((key) => ({ key, ok: true })))
  expect(await listAll(storage, { prefix })).toEqual(inByteOrder(keys.slice(10)))
}

async function order({ storage, freshFolder }: Stage): Promise<void> {
  const prefix = freshFolder()
  const keys = ['c', 'a', 'absent', 'b'].map((name) => prefix + name)
  await putAll(
    storage,
    keys.filter((key) => !key.endsWith('absent')),
  )
  expect((await storage.remove(keys)).map(({ key }) => key)).toEqual(keys)
}

async function alike({ storage, freshFolder }: Stage): Promise<void> {
  const prefix = freshFolder()
  const stay = ['A', 'a.b', 'ab', 'b/a'].map((name) => prefix + name)
  await putAll(storage, [...stay, `${prefix}a`])
  await storage.remove([`${prefix}a`])
  expect(await listAll(storage, { prefix })).toEqual(inByteOrder(stay))
}

async function folder({ storage, freshFolder }: Stage): Promise<void> {
  const prefix = freshFolder()
  await put(storage, `${prefix}name/file`)
  const outcomes = await storage.remove([`${prefix}name`]).catch(() => null)
  if (outcomes !== null) expect(outcomes.length).toBe(1)
  expect(await listAll(storage, { prefix })).toEqual([`${prefix}name/file`])
}

async function unaddressable({ storage, freshFolder }: Stage): Promise<void> {
  const prefix = freshFolder()
  const keys = [`${prefix}a`, `${prefix}b`]
  await putAll(storage, keys)
  await expectKind(storage.remove([keys[0]!, `${prefix}../x`, keys[1]!]), 'unaddressable')
  expect(await listAll(storage, { prefix })).toEqual(keys)
}

async function fullBatch({ storage, freshFolder }: Stage): Promise<void> {
  const prefix = freshFolder()
  await put(storage, `${prefix}0`)
  const keys = Array.from({ length: storage.can.remove_batch_max }, (_, i) => `${prefix}${i}`)
  const outcomes = await storage.remove(keys)
  expect([outcomes.length, outcomes.filter(({ ok }) => !ok)]).toEqual([keys.length, []])
  expect(await listAll(storage, { prefix })).toEqual([])
}

async function again({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}x`
  await put(storage, key, 'one')
  await storage.remove([key])
  await put(storage, key, 'two')
  expect((await contentOf(storage, key)).toString()).toBe('two')
}

async function matching({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}x`
  const { etag } = await put(storage, key)
  expect(await storage.remove([key], { ifMatch: etag })).toEqual([{ key, ok: true }])
  expect(await storage.stat(key)).toBeNull()
}

async function mismatching({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}x`
  const { etag } = await put(storage, key)
  const [refused] = await storage.remove([key], { ifMatch: noVersion })
  expect(refused).toMatchObject({ key, ok: false, error: { kind: 'precondition-failed' } })
  expect(await storage.stat(key)).toMatchObject({ etag })
}

async function replaced({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}x`
  const [old, now] = await rewrite(storage, key, 'one', 'two!')
  const [refused] = await storage.remove([key], { ifMatch: old.etag })
  expect(refused).toMatchObject({ key, ok: false, error: { kind: 'precondition-failed' } })
  expect(await storage.stat(key)).toMatchObject({ etag: now.etag })
}

async function matchNothing({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}absent`
  const [outcome] = await storage.remove([key], { ifMatch: noVersion })
  if (outcome?.ok !== true) expect(outcome).toMatchObject({ key, error: { kind: 'precondition-failed' } })
}
