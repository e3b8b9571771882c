// Proves that the connections of listings are limited, used again, replaced, given up and closed as promised.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asS3, connect, get, plain, serve, targetOf } from '#test/fakes/raw-server.ts'
import type { StorageError } from '../storage-error.ts'
import { getInto } from './http.ts'
import { PageMemory } from './page-memory.ts'

describe('connections', () => {
  test('at most so many at once; others wait in order, and one that is given up is never sent', async () => {
    const raw = await serve(() => {})
    const connections = connect(raw, 2)
    const abort = new AbortController()
    const given = Array.from({ length: 8 }, (_, i) => get(connections, `/${i}`, i === 4 ? abort.signal : undefined))
    await expect.poll(() => raw.asked.length).toBe(2)
    abort.abort()
    expect(await given[4]).toBe('error: aborted')
    const answered: string[] = []
    for (let next = 0; next < 7; next++) {
      await expect.poll(() => raw.asked.length).toBeGreaterThan(next)
      const asked = raw.asked[next]!
      answered.push(targetOf(asked))
      asked.socket.write(plain(targetOf(asked)))
    }
    expect(await Promise.all(given.toSpliced(4, 1))).toEqual(['/0', '/1', '/2', '/3', '/5', '/6', '/7'])
    expect(answered.slice(2)).toEqual(['/2', '/3', '/5', '/6', '/7'])
    expect(raw.connections).toBe(2)
  })

  test('the one that was used last is used next', async () => {
    const raw = await serve(() => {})
    const connections = connect(raw)
    const given = [get(connections, '/a'), get(connections, '/b'), get(connections, '/c')]
    await expect.poll(() => raw.asked.length).toBe(3)
    for (const name of ['/a', '/c', '/b']) {
      const asked = raw.asked.find((one) => targetOf(one) === name)!
      asked.socket.write(plain(name))
      await given[['/a', '/b', '/c'].indexOf(name)]
    }
    const last = raw.asked.find((one) => targetOf(one) === '/b')!.connection
    for (const name of ['/d', '/e']) {
      const next = get(connections, name)
      await expect.poll(() => raw.asked.at(-1)!.text).toContain(name)
      expect(raw.asked.at(-1)!.connection).toBe(last)
      raw.asked.at(-1)!.socket.write(plain(name))
      expect(await next).toBe(name)
    }
  })

  test.each([
    ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: x, Close\r\ncontent-length: 4\r\n\r\nwell'],
    [
      'one of several Connection lines',
      'HTTP/1.1 200 OK\r\nConnection: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nwell',
    ],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 4\r\n\r\nwell'],
  ])('%s is respected', async (_, answer) => {
    const raw = await serve(({ socket }) => socket.write(answer))
    const connections = connect(raw, 1)
    expect(await Promise.all([get(connections), get(connections), get(connections)])).toEqual(['well', 'well', 'well'])
    expect(raw.connections).toBe(3)
    await expect.poll(() => raw.open.size).toBe(0)
  })

  test('one that was closed while it waited is replaced unnoticed, all others too', async () => {
    const raw = await serve(({ socket }) => socket.write(plain('well')))
    const connections = connect(raw, 3)
    await Promise.all([get(connections), get(connections), get(connections)])
    for (const { socket } of raw.asked) socket.end()
    expect(await Promise.all([get(connections), get(connections), get(connections)])).toEqual(['well', 'well', 'well'])
  })

  test.each(['closed', 'reset'])(
    'a second request that finds its connection %s is sent once more, on a new one',
    async (how) => {
      const raw = await serve(({ socket, connection }) => {
        if (raw.asked.length !== 3) socket.write(plain(String(connection)))
        else if (how === 'closed') socket.end()
        else socket.resetAndDestroy()
      })
      const connections = connect(raw, 2)
      // Two connections wait; the new one is still a new one, for what closed the first has likely closed the other.
      await Promise.all([get(connections), get(connections)])
      expect(await get(connections)).toBe('3')
      expect(raw.asked.length).toBe(4)
    },
  )

  test('it is not sent a third time, and never again once a byte of an answer has come', async () => {
    const raw = await serve(({ socket }) => {
      const no = raw.asked.length
      if (no === 1 || no === 4) socket.write(plain('well'))
      else socket.end(no === 5 ? 'H' : '')
    })
    const connections = connect(raw)
    expect(await get(connections)).toBe('well')
    expect(await get(connections)).toBe('error: unreachable')
    expect(raw.asked.length).toBe(3)
    expect(await get(connections)).toBe('well')
    expect(await get(connections)).toBe('error: unreachable')
    expect(raw.asked.length).toBe(5)
  })

  test('closing ends what is asked, what waits and what comes later', async () => {
    const raw = await serve(() => {})
    const connections = connect(raw, 1)
    const given = [get(connections), get(connections)]
    await expect.poll(() => raw.asked.length).toBe(1)
    connections.close()
    expect(await Promise.all([...given, get(connections)])).toEqual(Array(3).fill('error: unreachable'))
    await expect.poll(() => raw.open.size).toBe(0)
    expect(raw.connections).toBe(1)
  })

  test('memory that cannot be had ends the request alone', async () => {
    const raw = await serve(({ socket }) => socket.write(plain('well')))
    const connections = connect(raw)
    const take = () => {
      throw new RangeError('no memory')
    }
    await expect(getInto(take, { ...asS3, connections, target: '/', headers: {} })).rejects.toMatchObject({
      kind: 'invalid',
    })
    expect(await get(connections)).toBe('well')
  })
})

describe('giving up', () => {
  test('before anything is sent', async () => {
    const raw = await serve(() => {})
    expect(await get(connect(raw), '/', AbortSignal.abort())).toBe('error: aborted')
    expect(raw.connections).toBe(0)
  })

  test('while the connection is being made', async () => {
    const raw = await serve(() => {})
    const abort = new AbortController()
    const given = get(connect(raw), '/', abort.signal)
    abort.abort()
    expect(await given).toBe('error: aborted')
    expect(raw.asked.length).toBe(0)
  })

  test('at any moment: the connection is closed, the page memory is left alone, and the next request goes through', async () => {
    const body = 'x'.repeat(200)
    const whole = plain(body, 'etag: "e"\r\n')
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), fc.nat(whole.length), async (sent, more) => {
        const abort = new AbortController()
        const raw = await serve(({ socket }) => {
          if (raw.asked.length > 1) socket.write(whole)
          else socket.write(whole.slice(0, sent), () => setImmediate(() => abort.abort()))
        })
        const connections = connect(raw, 1)
        const memory = new PageMemory()
        const request = { ...asS3, connections, target: '/', headers: {}, signal: abort.signal }
        const first = getInto(() => memory, request).then(
          () => 'read',
          (error: StorageError) => error.kind,
        )
        const second = get(connections)
        expect(await first).toEqual(sent === whole.length ? expect.stringMatching(/^(read|aborted)$/) : 'aborted')
        memory.body.fill(7)
        raw.asked[0]!.socket.write(whole.slice(sent, sent + more))
        expect(await second).toBe(body)
        expect(memory.body.every((byte) => byte === 7)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('a signal that fires when its request is done does not end the next one on the same connection', async () => {
    const raw = await serve(() => {})
    const connections = connect(raw, 1)
    const [first, second] = [new AbortController(), new AbortController()]
    // Fires after the answer has been read and the connection passed on, before whoever asked has been told.
    const onAnswer = () => process.nextTick(() => first.abort())
    subscribe('sluice:storage.answer', onAnswer)
    const given = [get(connections, '/a', first.signal), get(connections, '/b', second.signal)]
    await expect.poll(() => raw.asked.length).toBe(1)
    raw.asked[0]!.socket.write(plain('a'))
    await expect.poll(() => raw.asked.length).toBe(2)
    unsubscribe('sluice:storage.answer', onAnswer)
    raw.asked[1]!.socket.write(plain('b'))
    expect(await given[1]).toBe('b')
  })

  test('many requests under one signal bring no warning of a leak', async () => {
    const warned: unknown[] = []
    const onWarning = (warning: unknown) => warned.push(warning)
    process.on('warning', onWarning)
    const raw = await serve(({ socket }) => socket.write(plain('well')))
    const abort = new AbortController()
    const connections = connect(raw, 64)
    await Promise.all(Array.from({ length: 200 }, () => get(connections, '/', abort.signal)))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', onWarning)
    expect(warned).toEqual([])
    expect(raw.connections).toBe(64)
  })
})
