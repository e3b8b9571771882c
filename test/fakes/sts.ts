// A Security Token Service for tests: checks signatures, judges trust policies, and gives session keys of any length of life.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type KnownKey, signerOf } from './signature.ts'
import { isTrusted, type TrustPolicy } from './trust-policy.ts'

/** A session the fake has given out. */
export interface GivenSession extends KnownKey {
  readonly keyId: string
  readonly roleArn: string
  readonly expiresAtMs: number
}

/** One question as it came. */
export interface StsRequest {
  readonly action: string
  readonly roleArn: string
  readonly sessionName: string
  readonly externalId: string | undefined
  readonly policy: string | undefined
  readonly durationSeconds: string | undefined
  /** Empty where it was given. */
  readonly refusal: string
}

/** A running fake. */
export interface FakeSts {
  readonly endpoint: string
  readonly requests: StsRequest[]
  readonly sessions: GivenSession[]
  /** Roles by ARN; what is not there cannot be assumed. */
  readonly roles: Map<string, TrustPolicy>
  /** What every question is answered with instead, while it is set: a status and a code. */
  trouble: { readonly status: number; readonly code: string } | null
  close(): Promise<void>
}

/** What a fake starts with. */
export interface FakeStsOptions {
  readonly users: Readonly<Record<string, { readonly secret: string; readonly arn: string }>>
  readonly lifeMs?: number
  readonly now?: () => number
  /** The text of the one web identity that is taken. */
  readonly webToken?: string
}

/** Starts a fake on a free port of the loopback. */
export async function startFakeSts({
  users,
  lifeMs = 3_600_000,
  now = Date.now,
  webToken,
}: FakeStsOptions): Promise<FakeSts> {
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const fake: FakeSts = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    sessions: [],
    roles: new Map(),
    trouble: null,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const form = new URLSearchParams(body.toString())
    const text = (name: string) => form.get(name) ?? undefined
    const refusal = judge(request, body, form)
    fake.requests.push({
      action: text('Action') ?? '',
      roleArn: text('RoleArn') ?? '',
      sessionName: text('RoleSessionName') ?? '',
      externalId: text('ExternalId'),
      policy: text('Policy'),
      durationSeconds: text('DurationSeconds'),
      refusal: refusal?.code ?? '',
    })
    response.setHeader('content-type', 'text/xml')
    if (refusal !== null) {
      response.statusCode = refusal.status
      const error = `<Error><Type>Sender</Type><Code>${refusal.code}</Code><Message>a sentence of the service</Message></Error>`
      response.end(`<ErrorResponse>${error}<RequestId>${randomBytes(8).toString('hex')}</RequestId></ErrorResponse>`)
      return
    }
    response.end(sessionXml(give(text('RoleArn')!), text('Action')!))
  }

  function judge(request: IncomingMessage, body: Buffer, form: URLSearchParams) {
    if (fake.trouble !== null) return fake.trouble
    const policy = fake.roles.get(form.get('RoleArn') ?? '')
    if (form.get('Action') === 'AssumeRoleWithWebIdentity') {
      return form.get('WebIdentityToken') === webToken && policy !== undefined
        ? null
        : { status: 400, code: 'InvalidIdentityToken' }
    }
    const keys = (id: string): KnownKey | undefined => users[id] ?? fake.sessions.find(({ keyId }) => keyId === id)
    const signer = signerOf(request, body, keys)
    if ('refusal' in signer) return { status: 403, code: signer.refusal }
    const session = fake.sessions.find(({ keyId }) => keyId === signer.keyId)
    if (session !== undefined && session.expiresAtMs <= now()) return { status: 403, code: 'ExpiredToken' }
    const principalArn = users[signer.keyId]?.arn ?? session!.roleArn
    const externalId = form.get('ExternalId') ?? undefined
    const isIn = policy !== undefined && isTrusted(policy, { principalArn, externalId })
    return isIn ? null : { status: 403, code: 'AccessDenied' }
  }

  function give(roleArn: string): GivenSession {
    const session = {
      keyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secret: randomBytes(20).toString('base64'),
      token: randomBytes(40).toString('base64'),
      roleArn,
      expiresAtMs: now() + lifeMs,
    }
    fake.sessions.push(session)
    return session
  }
  return fake
}

function sessionXml({ keyId, secret, token, expiresAtMs }: GivenSession, action: string): string {
  const credentials = `<Credentials><AccessKeyId>${keyId}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>${token}</SessionToken><Expiration>${new Date(expiresAtMs).toISOString()}</Expiration></Credentials>`
  return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>${credentials}</${action}Result></${action}Response>`
}
