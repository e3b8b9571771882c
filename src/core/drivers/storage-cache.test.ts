// Proves that opened storages are shared for a while, that credentials are not kept for longer, and that nothing in use is closed.
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { openEgress } from '#storage/egress.ts'
import { openStorage } from '#storage/open.ts'
import type { Storage } from '#storage/port.ts'
import { OPEN_MAX, OPEN_MS_MAX, REST_MS_MAX, StorageCache } from './storage-cache.ts'

/** A cache with a clock that the test turns, and memory storages that tell whether they were closed. */
function setting() {
  let nowMs = 1_000_000
  let opened = 0
  const closed = new Set<number>()
  const cache = new StorageCache({ now: () => nowMs })
  const open = async (): Promise<Storage> => {
    const no = ++opened
    const storage = await openStorage({ provider: 'memory', name: 'storage-cache-test' }, openEgress)
    return {
      provider: storage.provider,
      can: storage.can,
      list: (query) => storage.list(query),
      stat: (key) => storage.stat(key),
      read: (key, options) => storage.read(key, options),
      write: (key, body, options) => storage.write(key, body, options),
      remove: (keys) => storage.remove(keys),
      signRead: (key, options) => storage.signRead(key, options),
      signWrite: (key, options) => storage.signWrite(key, options),
      check: (options) => storage.check(options),
      close: async () => void closed.add(no),
    }
  }
  return {
    cache,
    open,
    closed: () => [...closed],
    opened: () => opened,
    turn: (ms: number) => {
      nowMs += ms
    },
  }
}

describe('storage cache', () => {
  it('opens once for many callers at the same time, and again only when the time is up', async () => {
    const { cache, open, opened, turn } = setting()
    const all = await Promise.all(Array.from({ length: 10 }, () => cache.get('d', 'd 1', open)))
    expect(new Set(all).size).toBe(1)
    turn(OPEN_MS_MAX - 1)
    expect(await cache.get('d', 'd 1', open)).toBe(all[0])
    turn(1)
    expect(await cache.get('d', 'd 1', open)).not.toBe(all[0])
    expect(opened()).toBe(2)
    await cache.close()
  })

  it('does not keep a failure', async () => {
    const { cache, open } = setting()
    const fail = async () => {
      throw new Error('no')
    }
    await expect(cache.get('d', 'd 1', fail)).rejects.toThrow('no')
    await expect(cache.get('d', 'd 1', open)).resolves.toBeDefined()
    await cache.close()
  })

  it('closes what was replaced, but only after it has rested', async () => {
    const { cache, open, closed, turn } = setting()
    const old = await cache.get('d', 'd 1', open)
    await cache.get('d', 'd 2', open)
    turn(REST_MS_MAX - 1)
    await cache.sweep()
    await old.stat('x')
    turn(1)
    await cache.sweep()
    expect(closed()).not.toContain(1)
    turn(REST_MS_MAX)
    await cache.sweep()
    expect(closed()).toContain(1)
    await cache.close()
  })

  it('does not close what somebody is still reading from', async () => {
    const { cache, open, closed, turn } = setting()
    const old = await cache.get('d', 'd 1', open)
    await old.write('a', Buffer.from('content'), { sizeBytes: 7 })
    const { body } = await old.read('a')
    await cache.get('d', 'd 2', open)
    turn(REST_MS_MAX * 3)
    await cache.sweep()
    expect(closed()).not.toContain(1)
    expect((await buffer(body)).toString()).toBe('content')
    await new Promise((done) => (body.closed ? done(null) : body.once('close', done)))
    turn(REST_MS_MAX)
    await cache.sweep()
    expect(closed()).toContain(1)
    await cache.close()
  })

  it('keeps a bounded number, and lets go first of the one asked for longest ago', async () => {
    const { cache, open, opened } = setting()
    const first = await cache.get('d0', 'd0', open)
    for (let n = 1; n < OPEN_MAX; n++) await cache.get(`d${n}`, `d${n}`, open)
    expect(await cache.get('d0', 'd0', open)).toBe(first)
    await cache.get('one more', 'one more', open)
    expect(await cache.get('d0', 'd0', open)).toBe(first)
    expect(opened()).toBe(OPEN_MAX + 1)
    await cache.get('d1', 'd1', open)
    expect(opened()).toBe(OPEN_MAX + 2)
    await cache.close()
  })

  it('closes everything at the end, and lets nobody else close what is shared', async () => {
    const { cache, open, closed } = setting()
    const storage = await cache.get('a', 'a', open)
    await cache.get('b', 'b', open)
    await expect(storage.close()).rejects.toThrow('shared')
    await cache.close()
    expect(closed()).toEqual([1, 2])
  })
})
