// Calls on a storage as the conformance suite makes them, and what it expects of each.
import { buffer } from 'node:stream/consumers'
import { expect } from 'vitest'
import type { Entry, ListPage, ListQuery, Storage } from '#storage/port.ts'
import { StorageError, type StorageErrorKind } from '#storage/storage-error.ts'

export async function listAll(storage: Storage, query: ListQuery, by: 'token' | 'after' = 'token'): Promise<string[]> {
  const keys: string[] = []
  let place: Pick<ListQuery, 'token' | 'after'> = {}
  for (;;) {
    const page = await storage.list({ ...query, ...place })
    const { token, lastKey, isTruncated } = page
    keys.push(...(await entriesOf(page)).map(({ key }) => key))
    // Where nothing is promised about the order, all that counts is that every key comes once.
    if (!isTruncated) return storage.can.list_order === 'utf8' ? keys : inByteOrder(keys)
    place = by === 'token' ? { token } : { after: lastKey! }
  }
}

export async function entriesOf(page: ListPage): Promise<Entry[]> {
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

export async function expectKind(promise: Promise<unknown>, kind: StorageErrorKind): Promise<void> {
  const thrown = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(StorageError)
  expect((thrown as StorageError).kind).toBe(kind)
}
