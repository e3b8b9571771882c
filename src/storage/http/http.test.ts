// Proves how listings are asked for over real connections: no malformed, cut or endless answer passes, and nothing but the request leaves.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { networkInterfaces } from 'node:os'
import { describe, expect, test, vi } from 'vitest'
import { asS3, connect, get, plain, serve } from '#test/fakes/raw-server.ts'
import type { StorageError } from '../storage-error.ts'
import { AnswerParser, HEAD_BYTES_MAX } from './answer-parser.ts'
import { getInto, IDLE_MS } from './http.ts'
import { PageMemory } from './page-memory.ts'

const chunkedHead = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n'
const ok = 'HTTP/1.1 200 OK\r\n'
const malformed: readonly [string, string][] = [
  ['both a length and chunks', `${chunkedHead}content-length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n`],
  ['chunks and a length', `${ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc`],
  ['two lengths', `${ok}content-length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
  ['a list of lengths', `${ok}content-length: 3, 3\r\n\r\nabc`],
  ['a length with a sign', `${ok}content-length: +3\r\n\r\nabc`],
  ['a negative length', `${ok}content-length: -3\r\n\r\nabc`],
  ['a hexadecimal length', `${ok}content-length: 0x3\r\n\r\nabc`],
  ['a broken length', `${ok}content-length: 3.0\r\n\r\nabc`],
  ['an empty length', `${ok}content-length:\r\n\r\nabc`],
  ['a length beyond numbers', `${ok}content-length: 9999999999999999\r\n\r\nabc`],
  ['a coding nobody asked for', `${ok}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['chunks in chunks', `${ok}transfer-encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a chunk without a size', `${chunkedHead}\r\n\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size that is none', `${chunkedHead}\r\ng\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size with a sign', `${chunkedHead}\r\n+3\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size with 0x', `${chunkedHead}\r\n0x3\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size that overflows', `${chunkedHead}\r\n100000003\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size with many zeros', `${chunkedHead}\r\n${'0'.repeat(20)}3\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size behind a blank', `${chunkedHead}\r\n 3\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size and another', `${chunkedHead}\r\n3 3\r\nabc\r\n0\r\n\r\n`],
  ['a chunk size and a blank only', `${chunkedHead}\r\n3 \r\nabc\r\n0\r\n\r\n`],
  ['a control byte in an extension', `${chunkedHead}\r\n3;\x01\r\nabc\r\n0\r\n\r\n`],
  ['a bare LF in an extension', `${chunkedHead}\r\n3;a\nabc\r\n0\r\n\r\n`],
  ['a bare LF behind a chunk size', `${chunkedHead}\r\n3\nabc\r\n0\r\n\r\n`],
  ['a bare CR behind a chunk size', `${chunkedHead}\r\n3\rabc\r\n0\r\n\r\n`],
  ['a chunk longer than its size', `${chunkedHead}\r\n3\r\nabcd\r\n0\r\n\r\n`],
  ['a chunk that ends in a bare LF', `${chunkedHead}\r\n3\r\nabc\n0\r\n\r\n`],
  ['a chunk that ends in a bare CR', `${chunkedHead}\r\n3\r\nabc\r0\r\n\r\n`],
  ['a trailer without a colon', `${chunkedHead}\r\n3\r\nabc\r\n0\r\nx\r\n\r\n`],
  ['a trailer that is folded', `${chunkedHead}\r\n3\r\nabc\r\n0\r\nx: y\r\n z\r\n\r\n`],
  ['a trailer with a control byte', `${chunkedHead}\r\n3\r\nabc\r\n0\r\nx: \x00\r\n\r\n`],
  ['trailers without an end', `${chunkedHead}\r\n3\r\nabc\r\n0\r\nx: ${'y'.repeat(HEAD_BYTES_MAX)}`],
  ['a header line that is folded', `${ok}x: y\r\n content-length: 3\r\n\r\nabc`],
  ['a header line without a name', `${ok}: y\r\ncontent-length: 3\r\n\r\nabc`],
  ['a header line without a colon', `${ok}content-length 3\r\ncontent-length: 3\r\n\r\nabc`],
  ['a blank before the colon', `${ok}content-length : 3\r\n\r\nabc`],
  ['a control byte in a header line', `${ok}x: a\x00b\r\ncontent-length: 3\r\n\r\nabc`],
  ['a bare CR in a header line', `${ok}x: a\rcontent-length: 9\r\ncontent-length: 3\r\n\r\nabc`],
  ['a bare LF behind a header line', `${ok}x: a\ncontent-length: 3\r\n\r\nabc`],
  ['bare LFs only', 'HTTP/1.1 200 OK\ncontent-length: 3\n\nabc'],
  ['header lines without an end', `${ok}x: ${'y'.repeat(HEAD_BYTES_MAX)}`],
  ['interim answers without an end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(3000)],
  ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n'],
  ['a control byte in the status line', 'HTTP/1.1 200 O\x07K\r\ncontent-length: 3\r\n\r\nabc'],
  ['a DEL in the status line', 'HTTP/1.1 200 O\x7fK\r\ncontent-length: 3\r\n\r\nabc'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\ncontent-length: 3\r\n\r\nabc'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\ncontent-length: 3\r\n\r\nabc'],
  ['a status that is none', 'HTTP/1.1 600 OK\r\ncontent-length: 3\r\n\r\nabc'],
  ['two blanks before the status', 'HTTP/1.1  200 OK\r\ncontent-length: 3\r\n\r\nabc'],
  ['another version', 'HTTP/1.2 200 OK\r\ncontent-length: 3\r\n\r\nabc'],
  ['an answer longer than its length', `${ok}content-length: 3\r\n\r\nabcd`],
  ['an answer behind the last chunk', `${chunkedHead}\r\n3\r\nabc\r\n0\r\n\r\n\r\n`],
  ['two answers', `${ok}content-length: 3\r\n\r\nabc${ok}content-length: 3\r\n\r\nabc`],
]

describe.each(malformed)('%s', (_, answer) => {
  test('is refused, and the connection is not used again', async () => {
    const raw = await serve(({ socket, connection }) =>
      socket.write(connection === 1 ? answer : plain('well'), 'latin1'),
    )
    const connections = connect(raw, 1)
    expect(await get(connections)).toBe('error: invalid')
    expect(await get(connections)).toBe('well')
    expect(raw.connections).toBe(2)
    await expect.poll(() => raw.open.size).toBe(1)
  })

  test('is refused a byte at a time, or is done before what is wrong with it has come', () => {
    const parser = new AnswerParser()
    let isRefused = false
    parser.expect({ begin: () => {}, take: () => true })
    for (const byte of Buffer.from(answer, 'latin1')) {
      try {
        parser.read(Buffer.of(byte), 1)
      } catch (error) {
        expect((error as StorageError).kind).toBe('invalid')
        isRefused = true
        break
      }
    }
    expect(isRefused).toBe(true)
  })
})

test.each([
  ['SSH', 'SSH-2.0-OpenSSH\r\n'],
  ['a web page without a head', '<html>\n</html>'],
  ['one byte of TLS', '\x15'],
  ['HTTP/2', 'HTTP/2 200 OK\r\n\r\n'],
])('%s is not a storage', async (_, answer) => {
  const raw = await serve(({ socket }) => socket.write(answer, 'latin1'))
  expect(await get(connect(raw))).toBe('error: not-a-storage')
})

test('bytes behind an answer that come later close the connection, so that no other answer begins with them', async () => {
  const raw = await serve(({ socket }) => socket.write(plain('well')))
  const connections = connect(raw)
  expect(await get(connections)).toBe('well')
  raw.asked[0]!.socket.write(plain('forged'))
  await expect.poll(() => raw.open.size).toBe(0)
  expect(await get(connections)).toBe('well')
  expect(raw.connections).toBe(2)
})

describe('what is sent', () => {
  test('a request is these bytes and no others', async () => {
    const raw = await serve(({ socket }) => socket.write(plain('well')))
    const headers = { host: 'bucket.example:9000', authorization: 'AWS4 x=y' }
    await getInto(() => new PageMemory(), { ...asS3, connections: connect(raw), target: '/b/?list-type=2', headers })
    expect(raw.asked[0]!.text).toBe(
      'GET /b/?list-type=2 HTTP/1.1\r\nhost: bucket.example:9000\r\nauthorization: AWS4 x=y\r\naccept-encoding: identity\r\nconnection: keep-alive\r\n\r\n',
    )
  })

  const hasIPv6 = Object.values(networkInterfaces()).some((found) => found?.some(({ address }) => address === '::1'))
  test.each(['127.0.0.1', 'localhost', ...(hasIPv6 ? ['::1'] : [])])(
    'the host is named with its port: %s',
    async (host) => {
      const raw = await serve(({ socket }) => socket.write(plain('well')), host)
      expect(await get(connect(raw))).toBe('well')
      expect(raw.asked[0]!.text).toContain(`\r\nhost: ${raw.origin.slice('http://'.length)}\r\n`)
    },
  )

  test('a name that leads to two addresses is tried at both', async () => {
    // On most machines `localhost` is ::1 first and 127.0.0.1 then; only the second answers.
    const raw = await serve(({ socket }) => socket.write(plain('well')))
    expect(await get(connect({ ...raw, origin: raw.origin.replace('127.0.0.1', 'localhost') }))).toBe('well')
  })

  test('nothing that would be read as another line or request leaves', async () => {
    const raw = await serve(({ socket }) => socket.write(plain('well')))
    const connections = connect(raw)
    for (const bad of ['\r', '\n', '\0', ' ', '\x7f', 'é', '☃'])
      expect(await get(connections, `/a${bad}b`)).toBe('error: invalid')
    expect(await get(connections, 'http://elsewhere/')).toBe('error: invalid')
    const ask = (headers: Record<string, string>) =>
      getInto(() => new PageMemory(), { ...asS3, connections, target: '/', headers })
    for (const bad of ['\r', '\n', '\0', '\x7f', '☃']) {
      await expect(ask({ a: `secret${bad}b` })).rejects.toSatisfy((error: StorageError) => {
        return error.kind === 'invalid' && !JSON.stringify([error, error.message]).includes('secret')
      })
      await expect(ask({ [`a${bad}`]: 'b' })).rejects.toMatchObject({ kind: 'invalid' })
    }
    expect(raw.connections).toBe(0)
  })

  test('each request and its answer are told on the diagnostics channels, without credentials', async () => {
    const told: [string, unknown][] = []
    const onRequest = (note: unknown) => told.push(['request', note])
    const onAnswer = (note: unknown) => told.push(['answer', note])
    subscribe('sluice:storage.request', onRequest)
    subscribe('sluice:storage.answer', onAnswer)
    try {
      const raw = await serve(({ socket }) => socket.write(plain('well')))
      const headers = { authorization: 'secret' }
      await getInto(() => new PageMemory(), { ...asS3, connections: connect(raw), target: '/x', headers })
    } finally {
      unsubscribe('sluice:storage.request', onRequest)
      unsubscribe('sluice:storage.answer', onAnswer)
    }
    expect(told).toEqual([
      ['request', { method: 'GET', target: '/x' }],
      ['answer', { method: 'GET', target: '/x' }],
    ])
    expect(told[0]![1]).toBe(told[1]![1])
  })
})

describe('answers that end early', () => {
  const framings = {
    'of a known length': plain('0123456789'),
    'in chunks': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\nx: y\r\n\r\n',
    'of a failing status': 'HTTP/1.1 503 x\r\ncontent-length: 10\r\n\r\n0123456789',
  }
  for (const [name, answer] of Object.entries(framings)) {
    test.each(['closed', 'reset'])(`${name}, %s at every byte: never a page`, async (how) => {
      let bytes = 0
      const raw = await serve(({ socket }) => {
        if (how === 'closed') socket.end(answer.slice(0, bytes))
        else socket.write(answer.slice(0, bytes), () => socket.resetAndDestroy())
      })
      const connections = connect(raw)
      for (bytes = 0; bytes < answer.length; bytes++) expect(await get(connections)).toBe('error: unreachable')
      // Nothing was tried again: each was the first request of its connection.
      expect(raw.asked.length).toBe(answer.length)
    })
  }

  test('one that goes on until the connection ends is whole when it ends', async () => {
    const raw = await serve(({ socket }) => socket.end('HTTP/1.1 200 OK\r\n\r\n0123456789'))
    const connections = connect(raw)
    expect(await get(connections)).toBe('0123456789')
    expect(await get(connections)).toBe('0123456789')
    expect(raw.connections).toBe(2)
  })
})

describe('limits', () => {
  const many = 'x'.repeat(1024 * 1024)

  test.each([
    ['announced', `HTTP/1.1 200 OK\r\ncontent-length: ${16 * many.length + 1}\r\n\r\n`, 0],
    ['in chunks', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${(17 * many.length).toString(16)}\r\n`, 17],
    ['until close', 'HTTP/1.1 200 OK\r\n\r\n', 17],
  ])('a page of more than 16 MiB is refused: %s', async (_, head, parts) => {
    const raw = await serve(({ socket }) => {
      socket.write(head)
      for (let i = 0; i < parts; i++) socket.write(many)
    })
    expect(await get(connect(raw))).toBe('error: invalid')
    await expect.poll(() => raw.open.size).toBe(0)
  })

  test('a page of 16 MiB is read', async () => {
    const raw = await serve(({ socket }) => socket.write(plain(many.repeat(16))))
    expect((await get(connect(raw))).length).toBe(16 * many.length)
  })

  test('of a failing answer no more than 64 KiB are waited for', async () => {
    const error = `<Error><Code>SlowDown</Code>${'<Error>'.repeat(8000)}`
    const raw = await serve(({ socket, connection }) => {
      socket.write(
        connection === 1
          ? `HTTP/1.1 400 x\r\ncontent-length: 9999999\r\n\r\n${error}${' '.repeat(65536)}`
          : plain('well'),
      )
    })
    const connections = connect(raw)
    expect(await get(connections)).toBe('error: throttled')
    expect(await get(connections)).toBe('well')
    expect(raw.connections).toBe(2)
  })

  test('a storage that falls silent in the middle of an answer is given up after a minute', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const raw = await serve(({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na'))
    const taken = Promise.withResolvers<void>()
    const memory = new PageMemory()
    const take = () => {
      taken.resolve()
      return memory
    }
    const answered = getInto(take, { ...asS3, connections: connect(raw), target: '/', headers: {} }).catch(
      (error) => error,
    )
    await taken.promise
    vi.advanceTimersByTime(IDLE_MS - 1000)
    expect(raw.open.size).toBe(1)
    vi.advanceTimersByTime(3000)
    expect(await answered).toMatchObject({ kind: 'unreachable', facts: { providerCode: 'ETIMEDOUT' } })
    await expect.poll(() => raw.open.size).toBe(0)
    expect(raw.asked.length).toBe(1)
  })

  test('a connection without work is closed after a minute, and no timer is left behind', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const raw = await serve(({ socket }) => socket.write(plain('well')))
    expect(await get(connect(raw))).toBe('well')
    vi.advanceTimersByTime(IDLE_MS + 2000)
    await expect.poll(() => raw.open.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})
