// Proves that a blob of a registry is what its digest says or an error, wherever the registry leads, and that the password does not go along.
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { type FakeRegistry, startFakeRegistry } from '#test/fakes/registry.ts'
import { basic, eachOnFakeRegistry, failureOf, kindOf } from '#test/support/fake-registry.ts'
import { openEgress } from '../egress.ts'
import type { Storage } from '../port.ts'
import { StorageError } from '../storage-error.ts'

let fake: FakeRegistry
const { addImage, open } = eachOnFakeRegistry((started) => {
  fake = started
})

describe('blobs', () => {
  const read = async (storage: Storage, key: string, range?: { start: number; end: number }) =>
    (await buffer((await storage.read(key, { range })).body)).toString()

  test('are held against their digest, and never given whole when they are another', async () => {
    const { key, digest } = addImage('a', 'v', 'the true bytes')
    const storage = open()
    expect(await read(storage, key)).toBe('the true bytes')
    fake.instead = ({ url }, response) => {
      if (!url.endsWith(digest)) return false
      response.end('the fake bytes')
      return true
    }
    const { body } = await storage.read(key)
    let length = 0
    const failure = await failureOf(
      (async () => {
        for await (const chunk of body) length += (chunk as Buffer).length
      })(),
    )
    expect(failure.kind).toBe('invalid')
    expect(length).toBeLessThan('the true bytes'.length)
  })

  test.each([
    ['longer', 'the true bytes and more'],
    ['shorter', 'the true'],
  ])('that are %s than said are refused', async (_, text) => {
    const { key, digest } = addImage('a', 'v', 'the true bytes')
    for (const isSaid of [true, false]) {
      fake.instead = ({ url }, response) => {
        if (!url.endsWith(digest)) return false
        if (isSaid) response.setHeader('content-length', text.length)
        else response.write('')
        response.end(text)
        return true
      }
      expect(await kindOf(read(open(), key))).toBe('invalid')
    }
  })

  test('a part that is another part, or the whole, is refused', async () => {
    const { key, digest } = addImage('a', 'v', '0123456789')
    expect(await read(open(), key, { start: 2, end: 4 })).toBe('234')
    for (const [status, said] of [
      [200, undefined],
      [206, 'bytes 0-2/10'],
      [206, 'bytes 2-4/11'],
    ] as const) {
      fake.instead = ({ url }, response) => {
        if (!url.endsWith(digest)) return false
        response.writeHead(status, said === undefined ? {} : { 'content-range': said }).end('234')
        return true
      }
      expect(await kindOf(read(open(), key, { start: 2, end: 4 }))).toBe('invalid')
    }
  })

  test('are fetched where the registry leads, without the password', async () => {
    fake.accepted = new Set([basic])
    const { key, digest } = addImage('a', 'v', 'elsewhere')
    const other = await startFakeRegistry()
    other.instead = (request, response) => {
      if (request.url === '/hop') response.writeHead(302, { location: '/end?signature=x' }).end()
      else response.end('elsewhere')
      return true
    }
    fake.instead = ({ url, authorization }, response) => {
      if (!url.endsWith(digest) || authorization === undefined) return false
      response.writeHead(307, { location: `${other.origin}/hop` }).end()
      return true
    }
    expect(await read(open(), key)).toBe('elsewhere')
    expect(other.seen.map(({ url, authorization }) => [url, authorization])).toEqual([
      ['/hop', undefined],
      ['/end?signature=x', undefined],
    ])
    await other.close()
  })

  test('redirects go through the guard, and end', async () => {
    const { key, digest } = addImage('a', 'v')
    let location = 'http://169.254.169.254/latest'
    fake.instead = ({ url }, response) => {
      if (!url.endsWith(digest) && !url.startsWith('/again')) return false
      response.writeHead(302, { location }).end()
      return true
    }
    const egress = {
      ...openEgress,
      admit: (url: URL) => {
        if (url.hostname !== '127.0.0.1')
          throw new StorageError('address-denied', 'no', { provider: 'registry', op: 'test' })
      },
    }
    expect(await kindOf(read(open({ egress }), key))).toBe('address-denied')
    location = '/again'
    expect(await kindOf(read(open({ egress }), key))).toBe('invalid')
    location = 'ftp://127.0.0.1/'
    expect(await kindOf(read(open({ egress }), key))).toBe('invalid')
    location = 'http://u:p@127.0.0.1/'
    expect(await kindOf(read(open({ egress }), key))).toBe('invalid')
  })

  test('breaking off is an error and not an end', async () => {
    const { key, digest } = addImage('a', 'v', 'the true bytes')
    fake.instead = ({ url }, response) => {
      if (!url.endsWith(digest)) return false
      response.writeHead(200, { 'content-length': 14 })
      response.write('the true')
      setImmediate(() => response.destroy())
      return true
    }
    await expect(read(open(), key)).rejects.toThrow()
  })
})
