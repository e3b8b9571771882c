// Calls on a storage as the conformance suite makes them, and what it expects of each.
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Entry, ListPage, ListQuery, Storage } from '#storage/port.ts'
import { StorageError, type StorageErrorKind } from '#storage/storage-error.ts'

export async function listAll(storage: Storage, query: ListQuery, by: 'token' | 'after' = 'token'): Promise<string[]> {
  const keys: string[] = []
  let place: Pick<ListQuery, 'token' | 'after'> = {}
  for (;;) {
    const page = await storage.list({ ...query, ...place })
    const { token, lastKey, isTruncated } = page
    keys.push(...entriesOf(page).map(({ key }) => key))
    // Where nothing is promised about the order, all that counts is that every key comes once.
    if (!isTruncated) return storage.can.list_order === 'utf8' ? keys : inByteOrder(keys)
    place = by === 'token' ? { token } : { after: lastKey! }
  }
}

export function entriesOf(page: ListPage): Entry[] {
  const entries: Entry[] = []
  const cursor = page.entries
  while (cursor.next()) {
    entries.push({
      key: cursor.keyBytes.toString('utf8', cursor.keyStart, cursor.keyEnd),
      sizeBytes: cursor.sizeBytes,
      etag: cursor.etagBytes.toString('latin1', cursor.etagStart, cursor.etagEnd),
      modifiedMs: cursor.modifiedMs,
    })
  }
  expect(entries.length).toBe(page.count)
  page.release()
  return entries
}

export function put(storage: Storage, key: string, text = 'x'): Promise<Entry> {
  const body = Buffer.from(text)
  return storage.write(key, body, { sizeBytes: body.length })
}

export async function contentOf(
  storage: Storage,
  key: string,
  range?: { start: number; end?: number },
): Promise<Buffer> {
  const opened = await storage.read(key, { range })
  const content = await buffer(opened.body)
  expect(content.length).toBe(opened.bodyBytes)
  return content
}

export async function fetchSigned(storage: Storage, key: string): Promise<Buffer> {
  const signed = await storage.signRead(key, { ttlSeconds: 60 })
  const answer = await fetch(signed.url, { headers: { ...signed.headers, origin: 'https://console.example' } })
  expect(answer.status).toBe(200)
  return Buffer.from(await answer.arrayBuffer())
}

export function inByteOrder(keys: readonly string[]): string[] {
  return [...keys].sort((a, b) => Buffer.from(a).compare(Buffer.from(b)))
}

export async function expectKind(promise: Promise<unknown>, kind: StorageErrorKind | readonly string[]): Promise<void> {
  const thrown = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(StorageError)
  const expected = typeof kind === 'string' ? [kind] : kind
  expect(expected, (thrown as StorageError).message).toContain((thrown as StorageError).kind)
}

/** Writes an object under each key, some at a time. */
export async function putAll(storage: Storage, keys: readonly string[]): Promise<void> {
  const waiting = keys.values()
  const lane = async () => {
    for (const key of waiting) await put(storage, key)
  }
  await Promise.all(Array.from({ length: 8 }, lane))
}

/** Writes one text and then another; file systems tell two writes apart by their time only, so that the second waits until the clock has gone on. */
export async function rewrite(storage: Storage, key: string, first: string, second: string): Promise<[Entry, Entry]> {
  const before = await put(storage, key, first)
  await sleep(20)
  return [before, await put(storage, key, second)]
}
