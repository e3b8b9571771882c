// Whoever stops a call is told so, and nothing of it is left.
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Storage } from '#storage/port.ts'
import { type ConformanceCase, eachCase, type Need, type Stage } from '../stage.ts'
import { expectKind, listAll, put } from '../storage-calls.ts'

const calls: readonly {
  op: string
  needs: readonly Need[]
  run(storage: Storage, key: string, signal: AbortSignal): Promise<unknown>
}[] = [
  { op: 'list', needs: [], run: (storage, key, signal) => storage.list({ prefix: key, signal }) },
  { op: 'stat', needs: [], run: (storage, key, signal) => storage.stat(key, { signal }) },
  { op: 'read', needs: [], run: (storage, key, signal) => storage.read(key, { signal }) },
  {
    op: 'write',
    needs: ['write'],
    run: (storage, key, signal) => storage.write(key, Buffer.alloc(1), { sizeBytes: 1, signal }),
  },
  { op: 'remove', needs: ['write'], run: (storage, key, signal) => storage.remove([key], { signal }) },
]

export const abortCases: readonly ConformanceCase[] = [
  ...calls.flatMap(({ op, needs, run }) =>
    eachCase(
      [op],
      () => `${op}, before it begins`,
      needs,
      async ({ storage, freshFolder }) => {
        const key = `${freshFolder()}x`
        const written = storage.can.write ? await put(storage, key) : null
        await expectKind(run(storage, key, AbortSignal.abort()), 'aborted')
        expect((await storage.stat(key))?.etag).toBe(written?.etag)
      },
    ),
  ),
  { name: 'write, in the middle: nothing is left', needs: ['write'], run: midWrite },
  { name: 'write, in the middle: what was there before stays', needs: ['write'], run: midReplace },
  { name: 'a storage of which a call was stopped goes on working', needs: ['write'], run: goesOn },
]

/** Stops the write it is the body of, once its first bytes were taken. */
function stopping(abort: AbortController): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.alloc(1000)
      abort.abort()
      await sleep(60_000, undefined, { ref: false, signal: abort.signal }).catch(() => {})
    })(),
  )
}

async function midWrite({ storage, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  const abort = new AbortController()
  await expectKind(storage.write(`${folder}x`, stopping(abort), { sizeBytes: 5000, signal: abort.signal }), 'aborted')
  expect(await listAll(storage, { prefix: folder })).toEqual([])
}

async function midReplace({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}x`
  const { etag } = await put(storage, key, 'kept')
  const abort = new AbortController()
  await expectKind(storage.write(key, stopping(abort), { sizeBytes: 5000, signal: abort.signal }), 'aborted')
  expect(await storage.stat(key)).toMatchObject({ etag })
}

async function goesOn({ storage, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  await put(storage, `${folder}x`)
  for (let time = 0; time < 10; time++) {
    const abort = new AbortController()
    const asked = storage.list({ prefix: folder, signal: abort.signal }).then(
      (page) => page.release(),
      () => {},
    )
    abort.abort()
    await asked
    expect(await listAll(storage, { prefix: folder })).toEqual([`${folder}x`])
  }
}
