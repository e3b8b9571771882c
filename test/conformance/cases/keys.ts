// Every key that people have goes through every driver as its bytes, or is refused with a reason.
import { expect } from 'vitest'
import { unaddressableReason } from '#storage/key.ts'
import { keyZoo, unaddressableKeys, wildKeys } from '../key-zoo.ts'
import { type ConformanceCase, eachCase, type Stage, UNNAMED } from '../stage.ts'
import { contentOf, entriesOf, expectKind, fetchSigned, inByteOrder, listAll, put } from '../storage-calls.ts'

const wildGroups = [...Map.groupBy(wildKeys, (key) => key.split('/', 1)[0]!.trim().toLowerCase())]

export const keyCases: readonly ConformanceCase[] = [
  ...eachCase(keyZoo, (key) => `round trip of ${shown(key)}`, ['write'], roundTrip),
  ...eachCase(
    wildGroups,
    ([group, keys]) => `the ${keys.length} keys of the torture list’s “${group}”, all at once`,
    ['write'],
    async (stage, [group, keys]) => together(stage, `${stage.freshFolder()}${group} `, keys),
  ),
  ...eachCase(unaddressableKeys, (key) => `refuses to address ${shown(key)}`, [], refuses),
  { name: 'all of the zoo together, in any page and from any key', needs: ['write'], run: zooTogether },
  { name: 'a key on which nothing is: not there, whatever it looks like', needs: [], run: absentKeys },
]

function shown(key: string): string {
  const text = JSON.stringify(key).replace(
    /[\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return text.length <= 60 ? text : `${text.slice(0, 40)}… (${Buffer.byteLength(key)} bytes)`
}

async function roundTrip({ storage, backdoor }: Stage, key: string): Promise<unknown> {
  const body = Buffer.from(`content of ${key}`)
  if (!backdoor.canName(key)) {
    // A provider that says so only in its answers has no words for it where the answer has no body.
    await expectKind(storage.write(key, body, { sizeBytes: body.length }), 'unaddressable')
    await expectKind(storage.stat(key), ['unaddressable', 'invalid'])
    return UNNAMED
  }
  const written = await storage.write(key, body, { sizeBytes: body.length })
  expect(written).toMatchObject({ key, sizeBytes: body.length })
  expect(await backdoor.keys()).toContain(key)

  const found = await storage.stat(key)
  expect(found).toMatchObject({ key, sizeBytes: body.length, etag: written.etag })

  const listed = await entriesOf(await storage.list({ prefix: key }))
  expect(listed[0]).toMatchObject({ key, sizeBytes: body.length, etag: written.etag })
  expect(Math.abs(listed[0]!.modifiedMs - found!.modifiedMs)).toBeLessThan(1000)

  expect(await contentOf(storage, key)).toEqual(body)
  if (storage.can.sign_read) expect(await fetchSigned(storage, key)).toEqual(body)

  expect(await storage.remove([key])).toEqual([{ key, ok: true }])
  expect(await storage.stat(key)).toBeNull()
  expect(await backdoor.keys()).not.toContain(key)
  return undefined
}

/** Keys that only bytes tell apart are objects of their own: each gives back what was written under it, and goes alone. */
async function together({ storage, backdoor }: Stage, start: string, names: readonly string[]): Promise<void> {
  const [can, cannot] = [[] as string[], [] as string[]]
  for (const key of names.map((name) => start + name)) {
    const isNamed = unaddressableReason(key) === undefined && backdoor.canName(key)
    ;(isNamed ? can : cannot).push(key)
  }
  for (const key of cannot)
    await expectKind(storage.write(key, Buffer.from(key), { sizeBytes: Buffer.byteLength(key) }), 'unaddressable')
  for (const key of can) await put(storage, key, key)
  expect(await listAll(storage, { prefix: start })).toEqual(inByteOrder(can))
  for (const key of can) expect((await contentOf(storage, key)).toString()).toBe(key)
  const gone = can.filter((_, i) => i % 2 === 0)
  expect((await storage.remove(gone)).filter(({ ok }) => !ok)).toEqual([])
  const left = can.filter((_, i) => i % 2 === 1)
  expect(await listAll(storage, { prefix: start })).toEqual(inByteOrder(left))
  for (const key of left) expect(await storage.stat(key)).not.toBeNull()
}

async function refuses({ storage }: Stage, key: string): Promise<void> {
  const writing = storage.can.write ? ['unaddressable'] : ['unaddressable', 'unsupported']
  await expectKind(storage.stat(key), 'unaddressable')
  await expectKind(storage.read(key), 'unaddressable')
  await expectKind(storage.write(key, Buffer.alloc(1), { sizeBytes: 1 }), writing)
  await expectKind(storage.remove([key]), writing)
  const signRead = async () => storage.signRead(key, { ttlSeconds: 60 })
  const signWrite = async () => storage.signWrite(key, { ttlSeconds: 60 })
  await expectKind(signRead(), storage.can.sign_read ? 'unaddressable' : ['unaddressable', 'unsupported'])
  await expectKind(signWrite(), storage.can.sign_write ? 'unaddressable' : ['unaddressable', 'unsupported'])
}

async function zooTogether({ storage, backdoor, freshFolder }: Stage): Promise<void> {
  const prefix = freshFolder()
  const keys = keyZoo
    .map((key) => prefix + key)
    .filter((key) => backdoor.canName(key) && Buffer.byteLength(key) <= 1024)
  for (const key of keys) await put(storage, key, key)
  expect(await listAll(storage, { prefix })).toEqual(inByteOrder(keys))
  expect(await listAll(storage, { prefix, entriesMax: 7 })).toEqual(inByteOrder(keys))
  if (storage.can.list_after) {
    expect(await listAll(storage, { prefix, entriesMax: 5 }, 'after')).toEqual(inByteOrder(keys))
    for (const [i, key] of inByteOrder(keys).entries()) {
      const page = await storage.list({ prefix, after: Buffer.from(key) })
      expect(page.count).toBe(keys.length - i - 1)
      page.release()
    }
  }
  const outcomes = await storage.remove(keys)
  expect(outcomes.filter(({ ok }) => !ok)).toEqual([])
  expect(await listAll(storage, { prefix })).toEqual([])
}

async function absentKeys({ storage, backdoor, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  for (const name of ['absent', 'a b+c%2F&<é>', '日本/é/😀', '%2e%2e/x', 'x/', '//', 'CON', '__proto__']) {
    const key = folder + name
    if (!backdoor.canName(key)) continue
    expect([key, await storage.stat(key)]).toEqual([key, null])
    await expectKind(storage.read(key), 'not-found')
  }
}
