// 100,250 objects on any storage: their keys, the fastest way to put them there by signed addresses, and the proof that a sync makes exactly them items.
import { once } from 'node:events'
import http from 'node:http'
import { expect } from 'vitest'
import { keyZoo } from '../conformance/key-zoo.ts'
import { inByteOrder, type SyncedApi } from './sync.ts'

/** How many there are: more than a hundred full pages, and a part of one. */
export const MANY = 100_250
const CONNECTIONS = 32

/** Keys of so many objects, with every odd one that the storage has a name for; the same on every storage that names them all. */
export function manyKeys(canName: (key: string) => boolean): string[] {
  const zoo = keyZoo.map((key) => `zoo/${key}`).filter((key) => Buffer.byteLength(key) <= 1000 && canName(key))
  const plain = Array.from(
    { length: MANY - zoo.length },
    (_, i) => `set/${i % 401}/img_${String(i).padStart(6, '0')}${i % 7 === 0 ? ' é😀.png' : '.jpg'}`,
  )
  return [...zoo, ...plain]
}

/** A request that puts an object there. */
export interface PutRequest {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Puts an object of one byte at each address, over 32 connections. */
export async function putMany(
  keys: readonly string[],
  requestOf: (key: string) => PutRequest | Promise<PutRequest>,
): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const waiting = keys.values()
  const lane = async () => {
    for (const key of waiting) {
      const request = await requestOf(key)
      // A server may close a connection just as it is used again; putting the same bytes once more changes nothing.
      const status = await put(request, agent).catch(() => put(request, agent))
      if (status !== 200 && status !== 201) throw new Error(`${key}: ${status}`)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
  agent.destroy()
}

async function put({ url, headers }: PutRequest, agent: http.Agent): Promise<number | undefined> {
  const request = http.request(url, { method: 'PUT', agent, headers: { ...headers, 'content-length': 1 } })
  request.end('x')
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage]
  answer.resume()
  await once(answer, 'end')
  return answer.statusCode
}

/** Syncs a new dataset and holds its items against the keys; then once more, which must find nothing new. Keys are without the driver's folder. */
export async function expectSyncOfMany(storage: string, synced: SyncedApi, keys: readonly string[]): Promise<void> {
  const startMs = performance.now()
  const datasetId = await synced.addDataset({ sync: true })
  await synced.work()
  console.info(
    `${MANY.toLocaleString('en')} objects of ${storage} synced in ${Math.round(performance.now() - startMs)} ms`,
  )
  expect(keys.length).toBe(MANY)
  // Not as one comparison, whose failure would print all of them.
  const [found, wanted] = [await synced.items(datasetId), inByteOrder(keys)]
  expect([found.length, found.findIndex((key, i) => key !== wanted[i])]).toEqual([MANY, -1])
  expect((await synced.sync(datasetId)).body).toMatchObject({
    status: 'success',
    spec: { counts: { added: 0, changed: 0, unchanged: MANY, missing: 0, skipped: 0 } },
  })
}
