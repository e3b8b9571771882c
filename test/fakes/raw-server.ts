// A server on loopback that answers in bytes, and the client of listings led to it; all of it is closed after each test.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, expect, vi } from 'vitest'
import { openEgress } from '#storage/egress.ts'
import { type Connections, createConnections, getInto } from '#storage/http/http.ts'
import { PageMemory } from '#storage/http/page-memory.ts'
import { listFailure } from '#storage/s3/errors.ts'
import { StorageError } from '#storage/storage-error.ts'

/** Whose listing a test asks for, and what its failing answers stand for. */
export const asS3 = { where: { provider: 's3', op: 'list' }, explain: listFailure } as const

/** A request as it came, and where an answer to it goes. */
export interface Asked {
  readonly text: string
  readonly socket: Socket
  /** Number of the connection, from 1. */
  readonly connection: number
}

/** A server that knows nothing of HTTP: the test says each byte of an answer. */
export interface RawServer {
  readonly origin: string
  readonly asked: Asked[]
  /** Connections that were made, and those that are still open. */
  connections: number
  readonly open: Set<Socket>
}

const toClose: (() => Promise<void> | void)[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const close of toClose.splice(0)) await close()
})

/** A server on loopback that answers in bytes. */
export async function serve(answer: (asked: Asked) => void, host = '127.0.0.1'): Promise<RawServer> {
  const asked: Asked[] = []
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    const connection = ++raw.connections
    let text = ''
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => {})
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      if (!text.endsWith('\r\n\r\n')) return
      const one = { text, socket, connection }
      text = ''
      asked.push(one)
      answer(one)
    })
  })
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const raw: RawServer = {
    origin: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    asked,
    connections: 0,
    open,
  }
  toClose.push(async () => {
    for (const socket of open) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return raw
}

/** The client under test, led to a raw server; closed after the test. */
export function connect(raw: RawServer, connectionsMax = 4): Connections {
  const connections = createConnections(raw.origin, connectionsMax, openEgress)
  toClose.unshift(() => connections.close())
  return connections
}

/** What came of a GET: the body or the error's kind. */
export async function get(connections: Connections, target = '/', signal?: AbortSignal): Promise<string> {
  const memory = new PageMemory()
  try {
    const length = await getInto(() => memory, { ...asS3, connections, target, headers: {}, signal })
    return memory.body.toString('latin1', 0, length)
  } catch (error) {
    expect(error).toBeInstanceOf(StorageError)
    return `error: ${(error as StorageError).kind}`
  }
}

/** A whole answer of this body; `more` are further header lines. */
export const plain = (body: string, more = '') =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`
/** What a request asks for. */
export const targetOf = ({ text }: Asked) => text.split(' ')[1]!
