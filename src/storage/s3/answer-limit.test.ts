// Proves that an endpoint that answers without end, or drop by drop, costs neither memory nor time beyond a limit, and tells nothing of it.
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { openEgress } from '../egress.ts'
import { limitedBody } from '../http/limited-body.ts'
import { openStorage } from '../open.ts'
import type { Storage } from '../port.ts'
import { StorageError } from '../storage-error.ts'

const MARKER = 'marker-of-the-body'
let server: Server
let storage: Storage
let answer: (response: ServerResponse) => void
let sentBytes = 0

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume()
    request.on('end', () => answer(response))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const keys = { accessKeyId: 'K', secretAccessKey: new Secret('S') }
  storage = await openStorage({ provider: 's3', bucket: 'photos', endpoint, ...keys }, openEgress)
})
afterAll(async () => {
  await storage.close()
  server.closeAllConnections()
  server.close()
})

/** An answer that goes on for as long as somebody reads it. */
function endless(status: number) {
  return (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/xml' })
    const piece = Buffer.from(`<Message>${MARKER}</Message>`.repeat(2000))
    sentBytes = 0
    if (response.req.method === 'HEAD') {
      response.end()
      return
    }
    const source = new Readable({
      read() {
        sentBytes += piece.length
        setImmediate(() => this.push(piece))
      },
    })
    response.on('close', () => source.destroy())
    source.pipe(response)
  }
}

const calls = {
  list: () => storage.list({ prefix: '' }),
  stat: () => storage.stat('a.jpg'),
  read: () => storage.read('a.jpg'),
  write: () => storage.write('a.jpg', Buffer.from('a'), { sizeBytes: 1 }),
  remove: async () => {
    const [outcome] = await storage.remove(['a.jpg'])
    if (outcome?.ok === false) throw outcome.error
  },
  'remove of many': async () => {
    const outcomes = await storage.remove(['a.jpg', 'b.jpg'])
    for (const outcome of outcomes) if (!outcome.ok) throw outcome.error
  },
} as const

test.each(Object.entries(calls))(
  '%s: an endless error is left after 64 KiB and some buffers, and not told',
  async (_name, call) => {
    for (const status of [403, 500]) {
      answer = endless(status)
      const error = await call().then(
        () => null,
        (failure: unknown) => failure,
      )
      expect(error).toBeInstanceOf(StorageError)
      expect(JSON.stringify({ ...(error as StorageError), message: (error as Error).message })).not.toContain(MARKER)
      expect(sentBytes).toBeLessThan(16 * 1024 * 1024)
    }
  },
)

test('an endless good answer is left as well, but for the object that was asked for', async () => {
  answer = endless(200)
  await expect(calls.list()).rejects.toBeInstanceOf(StorageError)
  await expect(calls['remove of many']()).rejects.toBeInstanceOf(StorageError)
  expect(sentBytes).toBeLessThan(64 * 1024 * 1024)
})

test('a compressed answer is not unpacked: a bomb stays as small as it was sent', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  answer = (response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': bomb.length }).end(bomb)
  }
  await expect(calls.list()).rejects.toBeInstanceOf(StorageError)
  const opened = await storage.read('a.jpg')
  expect((await buffer(opened.body)).length).toBe(bomb.length)
})

test('an answer that comes drop by drop is left after its time', async () => {
  const drops = new Readable({ read() {} })
  const limited = limitedBody(drops, 1000, 50)
  drops.push('a')
  await expect(buffer(limited)).rejects.toThrow('takes longer')
  expect(drops.destroyed).toBe(true)
})
