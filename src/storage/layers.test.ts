// Proves that only what may pass by itself is tried again, within its budget, and that aborting ends the waiting.
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { withRetry } from './layers.ts'
import { createMemoryStorage } from './memory/memory.ts'
import type { Storage } from './port.ts'
import { StorageError, type StorageErrorFacts, type StorageErrorKind } from './storage-error.ts'

/** A real memory bucket that first fails so many times. */
function failing(times: number, kind: StorageErrorKind, facts: Partial<StorageErrorFacts> = {}) {
  const calls = { count: 0 }
  const memory = createMemoryStorage({ name: crypto.randomUUID() })
  const maybe = <T>(call: () => Promise<T>): Promise<T> => {
    if (calls.count++ >= times) return call()
    return Promise.reject(new StorageError(kind, 'Failed.', { provider: 'memory', op: 'any', ...facts }))
  }
  const storage: Storage = {
    ...memory,
    list: (query) => maybe(() => memory.list(query)),
    stat: (key, options) => maybe(() => memory.stat(key, options)),
    write: (key, body, options) => maybe(() => memory.write(key, body, options)),
  }
  return { storage, calls }
}

const quick = { firstWaitMs: 1, attemptsMax: 4 }

test.each(['throttled', 'unavailable', 'unreachable'] as const)('%s: tried again until it works', async (kind) => {
  const { storage, calls } = failing(3, kind)
  expect(await withRetry(storage, quick).stat('x')).toBeNull()
  expect(calls.count).toBe(4)
})

test('not beyond the attempts', async () => {
  const { storage, calls } = failing(10, 'unavailable')
  await expect(withRetry(storage, quick).stat('x')).rejects.toMatchObject({ kind: 'unavailable' })
  expect(calls.count).toBe(4)
})

test.each(['forbidden', 'invalid', 'not-a-storage', 'bad-credentials', 'precondition-failed', 'aborted'] as const)(
  '%s: not tried again',
  async (kind) => {
    const { storage, calls } = failing(1, kind)
    await expect(withRetry(storage, quick).stat('x')).rejects.toMatchObject({ kind })
    expect(calls.count).toBe(1)
  },
)

test('a listing only when asked: the walk repeats its own', async () => {
  const plain = failing(1, 'throttled')
  await expect(withRetry(plain.storage, quick).list({ prefix: '' })).rejects.toMatchObject({ kind: 'throttled' })
  const asked = failing(1, 'throttled')
  expect((await withRetry(asked.storage, { ...quick, includesList: true }).list({ prefix: '' })).count).toBe(0)
})

test('a write of bytes, but not of a stream, which is used up', async () => {
  const bytes = failing(1, 'unavailable')
  expect((await withRetry(bytes.storage, quick).write('k', Buffer.from('x'), { sizeBytes: 1 })).sizeBytes).toBe(1)
  const stream = failing(1, 'unavailable')
  const writing = withRetry(stream.storage, quick).write('k', Readable.from([Buffer.from('x')]), { sizeBytes: 1 })
  await expect(writing).rejects.toMatchObject({ kind: 'unavailable' })
  expect(stream.calls.count).toBe(1)
})

test('a write that must find nothing is not repeated: it might find itself', async () => {
  const { storage, calls } = failing(1, 'unreachable')
  const writing = withRetry(storage, quick).write('k', Buffer.from('x'), { sizeBytes: 1, ifAbsent: true })
  await expect(writing).rejects.toMatchObject({ kind: 'unreachable' })
  expect(calls.count).toBe(1)
})

test('a Retry-After longer than there is patience for is not waited for', async () => {
  const { storage, calls } = failing(1, 'throttled', { retryAfterMs: 60_000 })
  await expect(withRetry(storage, quick).stat('x')).rejects.toMatchObject({ facts: { retryAfterMs: 60_000 } })
  expect(calls.count).toBe(1)
})

test('a storage that fails all the time is spared: retries run out', async () => {
  const { storage, calls } = failing(Number.POSITIVE_INFINITY, 'unavailable')
  const retrying = withRetry(storage, { ...quick, firstWaitMs: 0 })
  for (let i = 0; i < 200; i++) await retrying.stat('x').catch(() => {})
  expect(calls.count).toBe(250)
})

test('aborting ends the wait', async () => {
  const abort = new AbortController()
  const { storage, calls } = failing(1, 'throttled', { retryAfterMs: 10_000 })
  const waiting = withRetry(storage).stat('x', { signal: abort.signal })
  abort.abort()
  await expect(waiting).rejects.toMatchObject({ kind: 'aborted' })
  expect(calls.count).toBe(1)
})
