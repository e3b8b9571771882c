// Proves that the egress guard connects to nothing inside, however it is written, resolved or redirected to, and to what the operator allowed (T16).
import type { LookupAddress } from 'node:dns'
import { get as plainGet } from 'node:http'
import { get as secureGet } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseEgressRules } from '#config/egress-rules.ts'
import { insideHosts, insideIPv4, insideIPv6 } from '#test/support/ssrf-forms.ts'
import type { Egress } from './egress.ts'
import { type EgressNote, guardedEgress, type ResolveName } from './egress-guard.ts'
import { EgressPolicy, type EgressTarget } from './egress-policy.ts'
import { failureOf } from './http/failures.ts'
import { fetchSigned } from './http/fetch-signed.ts'
import { createConnections, getInto } from './http/http.ts'
import { PageMemory } from './http/page-memory.ts'
import { OwnServices } from './own-services.ts'
import { StorageError } from './storage-error.ts'

/** Listens everywhere on this machine, and must never hear anything. */
let canary: Server
/** Listens at 127.0.0.2 on the canary's port and stands for a public storage: the operator of these tests has allowed it. */
let store: Server
let port: number
let canaryHits = 0
let storeHits = 0
let storeAnswer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

beforeAll(async () => {
  canary = createServer((socket) => {
    canaryHits++
    socket.destroy()
  })
  await new Promise<void>((done) => canary.listen(0, '127.0.0.1', done))
  port = (canary.address() as AddressInfo).port
  store = createServer((socket) => {
    storeHits++
    socket.on('error', () => {})
    socket.once('data', () => socket.end(storeAnswer))
  })
  await new Promise<void>((done) => store.listen(port, '127.0.0.2', done))
})

afterAll(() => {
  canary.close()
  store.close()
})

function guard(
  allow: string,
  { resolve, own = new OwnServices(), ports = [port], isHttpAllowed = true, notes = [] as EgressNote[] } = {} as {
    resolve?: ResolveName
    own?: OwnServices
    ports?: number[]
    isHttpAllowed?: boolean
    notes?: EgressNote[]
  },
): Egress {
  return guardedEgress({
    policy: new EgressPolicy({ allow: parseEgressRules(allow), ports, isHttpAllowed }, own),
    onRefused: (note) => void notes.push(note),
    ...(resolve === undefined ? {} : { resolve }),
  })
}

const where = { provider: 's3', op: 'list' } as const

/** Asks for `/` by the client of listings. */
async function byWire(egress: Egress, origin: string): Promise<string> {
  const connections = createConnections(origin, 1, egress)
  const memory = new PageMemory()
  try {
    const length = await getInto(() => memory, {
      connections,
      target: '/',
      headers: {},
      where,
      explain: () => failureOf('invalid', where),
    })
    return memory.body.toString('latin1', 0, length)
  } catch (error) {
    return error instanceof StorageError ? error.kind : String(error)
  } finally {
    connections.close()
  }
}

/** Asks for `/` by Node's client with the guard's agents, as the SDKs do. */
async function byAgent(egress: Egress, origin: string): Promise<string> {
  const agents = egress.agents({ keepAlive: false })
  const isSecure = origin.startsWith('https:')
  try {
    return await new Promise<string>((resolve, reject) => {
      const get = isSecure ? secureGet : plainGet
      get(origin, { agent: isSecure ? agents.https : agents.http }, (answer) => {
        buffer(answer).then((body) => resolve(body.toString()), reject)
      }).on('error', reject)
    })
  } catch (error) {
    return String((error as { code?: string }).code)
  }
}

async function bySignature(egress: Egress, url: string): Promise<string> {
  const answer = await fetchSigned({ url, headers: {}, expiresAtMs: 0 }, egress, AbortSignal.timeout(10_000))
  return answer === null ? 'null' : `${answer.status} ${answer.body.toString()}`
}

function admitted(egress: Egress, url: string): string {
  try {
    egress.admit(new URL(url), where)
    return 'admitted'
  } catch (error) {
    return (error as StorageError).kind
  }
}

describe('what is inside', () => {
  test('is not connected to in any spelling, by none of the three clients', async () => {
    const egress = guard('none')
    const origins = insideHosts.flatMap((host) =>
      [`http://${host}:${port}`, `https://${host}:${port}`].filter((url) => URL.canParse(url)),
    )
    expect(origins.length).toBeGreaterThan(1200)
    const wrong: string[][] = []
    for (const origin of origins) {
      const outcomes = [await byWire(egress, origin), await byAgent(egress, origin), await bySignature(egress, origin)]
      // Names that this machine does not know are not found; whatever they are, nothing is connected to.
      if (!/^(address-denied|unreachable) (EGRESS_DENIED|ENOTFOUND|EAI_AGAIN) null$/.test(outcomes.join(' ')))
        wrong.push([origin, ...outcomes])
    }
    expect(wrong).toEqual([])
    expect(canaryHits).toBe(0)
  })

  test('is refused before anything is resolved, where an address or a metadata name is written', () => {
    const egress = guard('none')
    const hosts = insideHosts.filter((host) => URL.canParse(`https://${host}`) && !/^localhost/i.test(host))
    const wrong = hosts.filter((host) => admitted(egress, `https://${host}`) !== 'address-denied')
    expect(wrong).toEqual([])
  })

  test('is refused as one of several addresses of a name, whichever', async () => {
    const asFamily = (address: string): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })
    for (const address of [...insideIPv4, ...insideIPv6]) {
      const resolve: ResolveName = async () => [asFamily('127.0.0.2'), asFamily(address)]
      if (address === '127.0.0.2') continue
      expect([address, await byWire(guard('127.0.0.2', { resolve }), `http://storage.test:${port}`)]).toEqual([
        address,
        'address-denied',
      ])
      const turned: ResolveName = async () => [asFamily(address), asFamily('127.0.0.2')]
      expect(await byAgent(guard('127.0.0.2', { resolve: turned }), `http://storage.test:${port}`)).toBe(
        'EGRESS_DENIED',
      )
    }
    expect(canaryHits).toBe(0)
  })

  test('is not reached by users in addresses, other schemes and Unix sockets', async () => {
    const egress = guard('127.0.0.2')
    expect(admitted(egress, `http://user:word@127.0.0.2:${port}`)).toBe('address-denied')
    for (const scheme of ['ftp', 'file', 'gopher', 'ws', 'data', 'unix'])
      expect(admitted(egress, `${scheme}://127.0.0.2/`)).toBe('address-denied')
    const { http } = egress.agents({})
    const failure = await new Promise((resolve) =>
      plainGet({ socketPath: '/var/run/docker.sock', path: '/', agent: http }).on('error', resolve),
    )
    expect(failure).toMatchObject({ code: 'EGRESS_DENIED' })
  })
})

describe('a name that changes its mind', () => {
  test('between two look-ups gains nothing in 2,000 tries: each connection goes to the address that was judged', async () => {
    let lookups = 0
    const resolve: ResolveName = async () => [{ address: lookups++ % 2 === 0 ? '127.0.0.2' : '127.0.0.1', family: 4 }]
    const egress = guard('127.0.0.2', { resolve })
    const before = storeHits
    const outcomes = new Map<string, number>()
    for (let i = 0; i < 2000; i++) {
      const outcome = await (i % 4 < 2 ? byWire : byAgent)(egress, `http://rebound.test:${port}`)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    expect(Object.fromEntries(outcomes)).toEqual({ ok: 1000, 'address-denied': 500, EGRESS_DENIED: 500 })
    expect([lookups, storeHits - before, canaryHits]).toEqual([2000, 1000, 0])
  })
})

test('the canary does hear what is allowed', async () => {
  expect(await byWire(guard('127.0.0.0/8'), `http://127.0.0.1:${port}`)).toBe('unreachable')
  expect(canaryHits).toBeGreaterThan(0)
  canaryHits = 0
})

describe('redirects', () => {
  test('are never followed, and their body is not told', async () => {
    const marker = 'the-body-of-the-answer'
    for (const status of [301, 302, 303, 307, 308]) {
      storeAnswer = `HTTP/1.1 ${status} Moved\r\nlocation: http://127.0.0.1:${port}/\r\ncontent-length: ${marker.length}\r\n\r\n${marker}`
      const egress = guard('127.0.0.2')
      expect(await byWire(egress, `http://127.0.0.2:${port}`)).toBe('invalid')
      expect(await bySignature(egress, `http://127.0.0.2:${port}`)).toBe(`${status} ${marker}`)
    }
    storeAnswer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
    expect(canaryHits).toBe(0)
  })
})

describe('the operator’s list', () => {
  const own = new OwnServices()
  own.addLocalPort(5432)
  own.add('db.internal', 5432)
  own.add('10.7.7.7', 5432)
  const at = (address: string, at: Partial<EgressTarget> = {}) => ({
    host: address,
    address,
    port: 9000,
    isSecure: true,
    ...at,
  })
  const refusal = (allow: string, target: EgressTarget, isHttpAllowed = false) =>
    new EgressPolicy({ allow: parseEgressRules(allow), ports: [443, 9000], isHttpAllowed }, own).refusal(target)

  test('opens what it says, by address, range, port and name, with or without TLS', () => {
    expect(refusal('none', at('10.0.0.5'))).toBe('not a public address')
    expect(refusal('10.0.0.0/8', at('10.0.0.5', { isSecure: false }))).toBeNull()
    expect(refusal('10.0.0.0/8:9000', at('10.0.0.5'))).toBeNull()
    expect(refusal('10.0.0.0/8:9001', at('10.0.0.5'))).toBe('not a public address')
    expect(refusal('10.0.0.5', at('10.0.0.6'))).toBe('not a public address')
    expect(refusal('10.0.0.5', at('::ffff:10.0.0.5'))).toBeNull()
    expect(refusal('[fd12::]/16', at('fd12:0::7'))).toBeNull()
    expect(refusal('[fd12::7]:9000', at('fd12::7', { port: 9001 }))).toBe('not a public address')
    expect(refusal('minio.lan:9000', at('10.9.9.9', { host: 'MinIO.lan.' }))).toBeNull()
    expect(refusal('minio.lan:9000', at('10.9.9.9', { host: 'evil.lan' }))).toBe('not a public address')
  })

  test('keeps public addresses to https and the usual ports', () => {
    expect(refusal('none', at('93.184.216.34', { port: 443 }))).toBeNull()
    expect(refusal('none', at('2606:4700::1111', { port: 443 }))).toBeNull()
    expect(refusal('none', at('93.184.216.34', { port: 25 }))).toBe('port')
    expect(refusal('none', at('93.184.216.34', { isSecure: false }))).toBe('plain http')
    expect(refusal('none', at('93.184.216.34', { isSecure: false }), true)).toBeNull()
    expect(refusal('93.184.216.34:25', at('93.184.216.34', { port: 25, isSecure: false }))).toBeNull()
  })

  test('opens metadata services only where it names their very address', () => {
    const target = at('169.254.169.254', { port: 443 })
    for (const allow of ['169.254.0.0/16', '0.0.0.0/0', 'minio.lan'])
      expect(refusal(allow, target)).toBe('cloud metadata')
    expect(refusal('[fd00::]/8', at('fd00:ec2::254'))).toBe('cloud metadata')
    expect(refusal('minio.lan', at('169.254.169.254', { host: 'minio.lan' }))).toBe('cloud metadata')
    expect(refusal('169.254.169.254', target)).toBeNull()
    expect(refusal('metadata.google.internal', { ...target, host: 'metadata.google.internal' })).toBeNull()
  })

  test('opens our own ports and database only where it names their very address and port', () => {
    const target = at('127.0.0.1', { port: 5432 })
    for (const allow of ['127.0.0.0/8', '127.0.0.1', '127.0.0.0/8:5432'])
      expect(refusal(allow, target)).toBe('a service of our own')
    expect(refusal('127.0.0.1:5432', target)).toBeNull()
    for (const address of ['127.9.9.9', '0.0.0.0', '::1', '::ffff:127.0.0.1'])
      expect([address, refusal('0.0.0.0/0,[::]/0', at(address, { port: 5432 }))]).toEqual([
        address,
        'a service of our own',
      ])
    expect(refusal('10.0.0.0/8', at('10.7.7.7', { port: 5432 }))).toBe('a service of our own')
    expect(refusal('10.0.0.0/8', at('10.1.1.1', { port: 5432, host: 'db.internal' }))).toBe('a service of our own')
    expect(refusal('10.0.0.0/8', at('10.7.7.7', { port: 9000 }))).toBeNull()
  })

  test('holds what is written into translated addresses as well', () => {
    expect(refusal('[64:ff9b::]/96', at('64:ff9b::a00:1'))).toBe('not a public address')
    expect(refusal('[64:ff9b::]/96', at('64:ff9b::5db8:d822'))).toBeNull()
    expect(refusal('[64:ff9b::]/96,10.0.0.0/8', at('64:ff9b::a00:1'))).toBeNull()
    expect(refusal('[64:ff9b::]/96', at('64:ff9b::a9fe:a9fe'))).toBe('cloud metadata')
    expect(refusal('[2002::]/16', at('2002:7f00:1::'))).toBe('not a public address')
  })

  test('is read strictly', () => {
    for (const wrong of [
      '10.0.0.0/33',
      '300.1.1.1',
      '1.2.3',
      'http://minio',
      'a b',
      'minio:0',
      'minio:65536',
      '[::1',
      '*.lan',
      'minio/8',
    ])
      expect(() => parseEgressRules(wrong)).toThrow(wrong)
    expect(parseEgressRules('none')).toEqual([])
    expect(parseEgressRules(' 10.0.0.1 , fd00::/8 ')).toHaveLength(2)
  })

  test('is answered for what it lacks by the operator’s log: host, port and reason', async () => {
    const notes: EgressNote[] = []
    await byWire(guard('none', { notes }), `http://127.0.0.1:${port}`)
    expect(notes).toContainEqual({ host: '127.0.0.1', port, reason: 'not a public address' })
  })
})
