// Proves that requests to Amazon's registry API are signed as AWS's own signer signs them, and that tokens are kept, renewed and never told.
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { openEgress } from '../egress.ts'
import { ecrAccounts, ecrHost, signedHeaders } from './ecr.ts'
import { Exchanger } from './exchange.ts'

/** What AWS's signer hashes with. */
class Sha256 {
  readonly #hash: { update(data: Uint8Array | string): unknown; digest(): Buffer }
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac('sha256', typeof secret === 'string' ? secret : Buffer.from(secret as Uint8Array))
  }
  update(data: Uint8Array | string): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

const key = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: new Secret('CANARY/secret+='), region: 'eu-central-1' }

test.each([undefined, new Secret('CANARY-session')])(
  'signatures are AWS’s own, with session token %s',
  async (sessionToken) => {
    const nowMs = Date.UTC(2026, 10, 22, 19, 30, 5)
    const request = { host: 'api.ecr.eu-central-1.amazonaws.com', path: '/', body: '{}', nowMs }
    const ours = signedHeaders({ ...key, sessionToken }, request)
    const signer = new SignatureV4({
      service: 'ecr',
      region: key.region,
      credentials: {
        accessKeyId: key.accessKeyId,
        secretAccessKey: key.secretAccessKey.reveal(),
        ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() }),
      },
      sha256: Sha256,
      applyChecksum: false,
    })
    const { authorization, ...given } = ours
    const { 'x-amz-security-token': _token, 'x-amz-date': _date, ...headers } = given
    const signed = await signer.sign(
      { method: 'POST', protocol: 'https:', hostname: request.host, path: '/', query: {}, headers, body: '{}' },
      { signingDate: new Date(nowMs) },
    )
    expect(signed.headers.authorization).toBe(authorization)
  },
)

test('hosts are those of the account', () => {
  expect(ecrHost('123456789012', 'eu-west-1')).toBe('123456789012.dkr.ecr.eu-west-1.amazonaws.com')
  expect(ecrHost('123456789012', 'cn-north-1')).toBe('123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn')
})

describe('tokens', () => {
  let server: Server
  let asked: { target: string | undefined; authorization: string | undefined; body: string }[]
  let answer: { status: number; body: object }
  let endpoint: string
  let exchanger: Exchanger

  beforeEach(async () => {
    asked = []
    server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const { authorization } = request.headers
      asked.push({ target: request.headers['x-amz-target'] as string, authorization, body })
      response.writeHead(answer.status).end(JSON.stringify(answer.body))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    endpoint = `http://127.0.0.1:${(server.address() as { port: number }).port}/`
    exchanger = new Exchanger(openEgress, 2)
  })
  afterEach(async () => {
    vi.useRealTimers()
    exchanger.close()
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })

  const give = (password: string, hours: number) => {
    const authorizationToken = Buffer.from(`AWS:${password}`).toString('base64')
    const expiresAt = Date.now() / 1000 + hours * 3600
    answer = { status: 200, body: { authorizationData: [{ authorizationToken, expiresAt }] } }
  }

  test('are asked for once, and again shortly before their end', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    give('CANARY-one', 12)
    const accounts = ecrAccounts({ ...key, endpoint }, exchanger)
    const [first, second] = await Promise.all([accounts.get(), accounts.get()])
    expect([first?.username, first?.password.reveal(), second?.password.reveal()]).toEqual([
      'AWS',
      'CANARY-one',
      'CANARY-one',
    ])
    expect(JSON.stringify(first)).not.toContain('CANARY')
    vi.setSystemTime(Date.now() + 11 * 3600_000)
    await accounts.get()
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({
      target: 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
      authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\//),
      body: '{}',
    })
    vi.setSystemTime(Date.now() + 55 * 60_000)
    give('CANARY-two', 12)
    expect((await accounts.get())?.password.reveal()).toBe('CANARY-two')
    expect(asked).toHaveLength(2)
  })

  test('that were refused are made anew, but not again and again', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    give('CANARY-one', 12)
    const accounts = ecrAccounts({ ...key, endpoint }, exchanger)
    await accounts.get()
    expect(accounts.renew()).toBe(false)
    vi.setSystemTime(Date.now() + 61_000)
    expect(accounts.renew()).toBe(true)
    await accounts.get()
    expect(asked).toHaveLength(2)
  })

  test.each([
    [400, { __type: 'com.amazon#UnrecognizedClientException', message: 'CANARY' }, 'bad-credentials'],
    [400, { __type: 'InvalidSignatureException' }, 'bad-credentials'],
    [400, { __type: 'ExpiredTokenException' }, 'expired-credentials'],
    [400, { __type: 'AccessDeniedException', message: 'CANARY' }, 'forbidden'],
    [400, { __type: 'ThrottlingException' }, 'throttled'],
    [503, {}, 'unavailable'],
    [404, { hello: 'CANARY' }, 'not-a-storage'],
    [200, { authorizationData: [] }, 'invalid'],
  ])('an answer %i %j is %s, and is not kept', async (status, body, kind) => {
    const accounts = ecrAccounts({ ...key, endpoint }, exchanger)
    answer = { status, body }
    const error = await accounts.get().catch((thrown) => thrown)
    expect([error.kind, error.message.includes('CANARY')]).toEqual([kind, false])
    give('later', 12)
    expect((await accounts.get())?.password.reveal()).toBe('later')
  })
})
