import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** An application in the fake directory, and what it may log in with. */
export interface EntraApplication {
  readonly tenantId: string
  readonly clientId: string
  readonly secret: string
  /** A token of another issuer that the application trusts (federated credential). */
  readonly assertion: string
}

/** A directory that gives tokens for Azure's storage, and a machine's own service that does the same. */
export interface FakeEntra {
  readonly url: string
  /** Every log-in so far: how it was asked for. */
  readonly logIns: readonly string[]
  /** The next log-ins get this answer instead; null: their own again. */
  answerWith(answer: { status: number; body: string; headers?: Record<string, string> } | null): void
  /** How long tokens live from now on. */
  lifeSeconds: number
  close(): Promise<void>
}

/**
 * Starts a stand-in for Entra's token endpoint (client secret and federated credential) and for the address at which machines ask for tokens of their
 * managed identity, on loopback.
 *
 * Requests and refusals as in https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow and …/reference-error-codes;
 * https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token for the machine's. Tokens are not signed.
 */
export async function startEntra(application: EntraApplication): Promise<FakeEntra> {
  const logIns: string[] = []
  let scripted: { status: number; body: string; headers?: Record<string, string> } | null = null
  const entra = { lifeSeconds: 3600 }
  const server = createServer((request, response) => {
    void answer(request).then(({ status, body, headers }) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
    })
  })

  async function answer(
    request: IncomingMessage,
  ): Promise<{ status: number; body: string; headers?: Record<string, string> }> {
    const url = new URL(request.url!, 'http://entra')
    const form = new URLSearchParams(await text(request))
    const isMachine = url.pathname === '/metadata/identity/oauth2/token'
    logIns.push(isMachine ? 'managed-identity' : form.has('client_assertion') ? 'federated' : 'client-secret')
    if (scripted !== null) return scripted
    if (isMachine) {
      const isRight = request.headers.metadata === 'true' && url.searchParams.get('resource') === RESOURCE
      return isRight ? token() : refusal('invalid_request', 90014)
    }
    const [, tenant, ...rest] = url.pathname.split('/')
    if (rest.join('/') !== 'oauth2/v2.0/token' || request.method !== 'POST') return { status: 404, body: '{}' }
    if (tenant !== application.tenantId) return refusal('invalid_request', 90002)
    if (form.get('grant_type') !== 'client_credentials' || form.get('scope') !== `${RESOURCE}/.default`) {
      return refusal('invalid_scope', 70011)
    }
    if (form.get('client_id') !== application.clientId) return refusal('unauthorized_client', 700016)
    if (form.has('client_assertion')) {
      const isTrusted =
        form.get('client_assertion') === application.assertion &&
        form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
      return isTrusted ? token() : refusal('invalid_client', 700213)
    }
    return form.get('client_secret') === application.secret ? token() : refusal('invalid_client', 7000215)
  }

  function token() {
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      aud: RESOURCE,
      iss: `https://sts.windows.net/${application.tenantId}/`,
      iat: now - 60,
      nbf: now - 60,
      exp: now + entra.lifeSeconds,
      oid: '00000000-0000-0000-0000-00000000000f',
      tid: application.tenantId,
    }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const accessToken = `${part({ typ: 'JWT', alg: 'RS256' })}.${part(claims)}.${Buffer.from('unsigned').toString('base64url')}`
    const body = JSON.stringify({
      token_type: 'Bearer',
      expires_in: entra.lifeSeconds,
      access_token: accessToken,
    })
    return { status: 200, body }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(entra, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    logIns,
    answerWith(answer: typeof scripted) {
      scripted = answer
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}

const RESOURCE = 'https://storage.azure.com'

/** As Entra refuses: a number that says why, in a sentence that names what was sent. */
function refusal(error: string, number: number) {
  const body = JSON.stringify({
    error,
    error_description: `AADSTS${number}: the sentence of the refusal, with a marker-of-the-provider's-body in it.`,
    error_codes: [number],
    trace_id: '00000000-0000-0000-0000-000000000000',
  })
  return { status: error === 'invalid_client' ? 401 : 400, body }
}
