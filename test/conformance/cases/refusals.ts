// What a driver cannot do it says, and its errors name the case and no secret.
import { expect } from 'vitest'
import type { Storage } from '#storage/port.ts'
import { StorageError } from '#storage/storage-error.ts'
import { type ConformanceCase, eachCase, type Need, refusals, type Stage } from '../stage.ts'
import { expectKind } from '../storage-calls.ts'

const capabilities = Object.keys(refusals) as Need[]

const failures: readonly {
  what: string
  kind: string
  op: string
  run(storage: Storage, key: string): Promise<unknown>
}[] = [
  { what: 'reading what is not there', kind: 'not-found', op: 'read', run: (storage, key) => storage.read(key) },
  {
    what: 'looking at an unaddressable key',
    kind: 'unaddressable',
    op: 'stat',
    run: (storage, key) => storage.stat(`${key}/../y`),
  },
  {
    what: 'reading an unaddressable key',
    kind: 'unaddressable',
    op: 'read',
    run: (storage, key) => storage.read(`${key}/../y`),
  },
]

export const refusalCases: readonly ConformanceCase[] = [
  ...eachCase(
    capabilities,
    (need) => `the capability ${need}: a fact, or refused without a request`,
    [],
    async (stage, need) => {
      const { storage } = stage
      expect(storage.can[need]).toBeTypeOf('boolean')
      if (!storage.can[need]) await refusals[need](stage, `${stage.freshFolder()}x`)
    },
  ),
  { name: 'capabilities do not contradict one another', needs: [], run: consistent },
  { name: 'more keys than fit into one removal', needs: [], run: tooMany },
  ...eachCase(
    failures,
    ({ what }) => `${what}: the error names operation and driver, and no address, secret or path`,
    [],
    async ({ storage, freshFolder }, { kind, op, run }) => {
      const error: unknown = await run(storage, `${freshFolder()}x`).catch((thrown) => thrown)
      expect(error).toBeInstanceOf(StorageError)
      const { kind: found, facts, message } = error as StorageError
      expect([found, facts.provider, facts.op]).toEqual([kind, storage.provider, op])
      expect(message).toMatch(/\.$/)
      expect(message).not.toMatch(/https?:|Signature|\/tmp|<\w+>/)
    },
  ),
]

async function consistent({ storage: { can } }: Stage): Promise<void> {
  expect(can.list_page_max).toBeGreaterThan(0)
  // Without an order nothing can begin behind a key.
  if (can.list_order === 'none') expect(can.list_after).toBe(false)
  if (!can.write)
    expect([
      can.write_if_absent,
      can.write_if_match,
      can.remove_if_match,
      can.sign_write,
      can.remove_batch_max,
    ]).toEqual([false, false, false, false, 0])
  else expect(can.remove_batch_max).toBeGreaterThan(0)
  if (can.sign_read || can.sign_write) expect(can.sign_max_seconds).toBeGreaterThan(0)
}

async function tooMany({ storage, freshFolder }: Stage): Promise<void> {
  const prefix = freshFolder()
  const keys = Array.from({ length: storage.can.remove_batch_max + 1 }, (_, i) => `${prefix}k${i}`)
  await expectKind(storage.remove(keys), 'unsupported')
}
