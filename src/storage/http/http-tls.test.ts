// Proves that listings over TLS are read whole, and only from hosts whose certificate is trusted and theirs. Left out where there is no `openssl` to make certificates.
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer as createPlainServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { asS3 } from '#test/fakes/raw-server.ts'
import { openEgress } from '../egress.ts'
import type { StorageError } from '../storage-error.ts'
import { CONNECT_MS, type Connections, createConnections, getInto } from './http.ts'
import { PageMemory } from './page-memory.ts'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
if (!hasOpenssl) console.warn('Left out: TLS of listings, because there is no openssl to make certificates with.')

interface Certificate {
  readonly key: string
  readonly cert: string
}

function certify(names: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'))
  try {
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
    const wants = [
      '-subj',
      '/CN=test',
      '-addext',
      `subjectAltName=${names}`,
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
    ]
    const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    execFileSync('openssl', [...kind, ...wants], { stdio: 'ignore' })
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const toClose: (() => Promise<void> | void)[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const close of toClose.splice(0)) await close()
})

async function listen(server: Server): Promise<number> {
  const open = new Set<{ destroy(): void }>()
  server.on('connection', (socket) => open.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  toClose.push(async () => {
    for (const socket of open) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}

/** Answers over TLS; `seen` has the connection of each request. */
async function serve(certificate: Certificate, answer: (target: string, socket: TLSSocket) => void) {
  const seen: TLSSocket[] = []
  const server = createServer(certificate, (socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      seen.push(socket)
      answer(bytes.toString('latin1').split(' ')[1]!, socket)
    })
  })
  server.on('tlsClientError', () => {})
  return { port: await listen(server), seen }
}

function connect(origin: string, connectionsMax = 4): Connections {
  const connections = createConnections(origin, connectionsMax, openEgress)
  toClose.unshift(() => connections.close())
  return connections
}

async function get(connections: Connections, target = '/'): Promise<Buffer> {
  const memory = new PageMemory()
  const length = await getInto(() => memory, { ...asS3, connections, target, headers: {} })
  return Buffer.from(memory.body.subarray(0, length))
}

const failing = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it passed'),
    (error: StorageError) => ({ kind: error.kind, code: error.facts.providerCode }),
  )
const plain = (body: Buffer | string, more = '') =>
  Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${more}\r\n`), Buffer.from(body)])

describe.skipIf(!hasOpenssl)('TLS', () => {
  const usual = getCACertificates('default')
  let ours: Certificate
  let foreign: Certificate

  beforeAll(() => {
    ours = certify('DNS:localhost,IP:127.0.0.1')
    foreign = certify('DNS:elsewhere.example')
  })
  afterAll(() => setDefaultCACertificates(usual))

  test('a certificate that nobody trusts is refused, and nothing is sent to its host', async () => {
    setDefaultCACertificates(usual)
    const { port, seen } = await serve(ours, (_, socket) => socket.write(plain('well')))
    const found = await failing(get(connect(`https://localhost:${port}`)))
    expect(found).toEqual({ kind: 'tls', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    expect(seen.length).toBe(0)
  })

  test('a trusted certificate of another host is refused', async () => {
    setDefaultCACertificates([...usual, foreign.cert])
    const { port, seen } = await serve(foreign, (_, socket) => socket.write(plain('well')))
    for (const host of ['localhost', '127.0.0.1']) {
      const found = await failing(get(connect(`https://${host}:${port}`)))
      expect(found).toEqual({ kind: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    }
    expect(seen.length).toBe(0)
  })

  test('with a trusted certificate pages are read whole, many at once, each its own bytes', async () => {
    setDefaultCACertificates([...usual, ours.cert])
    // More than one read, more than one TLS record, and no multiple of either.
    const pageOf = (target: string) => Buffer.alloc(300_001 + target.charCodeAt(1), target)
    const { port, seen } = await serve(ours, (target, socket) => socket.write(plain(pageOf(target))))
    const connections = connect(`https://localhost:${port}`)
    const targets = Array.from({ length: 40 }, (_, i) => `/${String.fromCharCode(65 + i)}`)
    const pages = await Promise.all(targets.map((target) => get(connections, target)))
    expect(pages.map((page, i) => page.equals(pageOf(targets[i]!)))).toEqual(Array(40).fill(true))
    expect(new Set(seen).size).toBe(4)
  })

  test('the host is named to the server, an address is not', async () => {
    setDefaultCACertificates([...usual, ours.cert])
    const { port, seen } = await serve(ours, (_, socket) => socket.write(plain('well')))
    for (const host of ['localhost', '127.0.0.1']) await get(connect(`https://${host}:${port}`))
    expect(seen.map(({ servername }) => servername)).toEqual(['localhost', false])
  })

  test('the next connection takes up the session of the one before', async () => {
    setDefaultCACertificates([...usual, ours.cert])
    const reused: boolean[] = []
    const { port } = await serve(ours, (target, socket) => {
      reused.push(socket.isSessionReused())
      socket.end(target === '/fail' ? '' : plain('well', 'connection: close\r\n'))
    })
    const connections = connect(`https://localhost:${port}`, 1)
    for (let i = 0; i < 3; i++) expect((await get(connections)).toString()).toBe('well')
    // After a failure the next one starts afresh: the session may be what failed.
    await failing(get(connections, '/fail'))
    await get(connections)
    expect(reused).toEqual([false, true, true, true, false])
  })

  test('an answer that ends early is no page, and an old connection that was closed is replaced', async () => {
    setDefaultCACertificates([...usual, ours.cert])
    const { port, seen } = await serve(ours, (target, socket) => {
      if (target === '/early') socket.end(plain('well').subarray(0, -1))
      else if (seen.length === 2) socket.end()
      else socket.write(plain('well'))
    })
    const connections = connect(`https://localhost:${port}`)
    expect((await get(connections)).toString()).toBe('well')
    expect((await get(connections)).toString()).toBe('well')
    expect(new Set(seen).size).toBe(2)
    expect((await failing(get(connections, '/early'))).kind).toBe('unreachable')
  })
})

test('a host that never finishes the handshake is given up after ten seconds', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const silent = createPlainServer(() => {})
  const port = await listen(silent)
  const found = failing(get(connect(`https://127.0.0.1:${port}`)))
  await once(silent, 'connection')
  vi.advanceTimersByTime(CONNECT_MS + 2000)
  expect(await found).toEqual({ kind: 'unreachable', code: 'ETIMEDOUT' })
})

test('a host that speaks no TLS is refused as such', async () => {
  const port = await listen(createPlainServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
  expect((await failing(get(connect(`https://127.0.0.1:${port}`)))).kind).toBe('tls')
})
