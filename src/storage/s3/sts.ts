import type { AssumeRoleCommandInput, Credentials, STSClient } from '@aws-sdk/client-sts'
import { Secret } from '#lib/secret.ts'
import type { Egress } from '../egress.ts'
import { CONNECT_MS } from '../http/http.ts'
import { StorageError } from '../storage-error.ts'
import { limitAnswers } from './answer-limit.ts'
import type { CredentialSource, Keys, SessionKeys } from './credentials.ts'
import { toStorageError } from './errors.ts'

/** A role to take on. */
export interface RoleRequest {
  readonly roleArn: string
  /** Shows in the other account's audit log: 2 to 64 letters, digits and `+=,.@-`. */
  readonly sessionName: string
  /** What the role's trust policy asks for beside the principal; left out: none is sent. */
  readonly externalId?: string | undefined
  /** What the session may do at the most, as a policy's JSON: never more than the role itself may. */
  readonly policy?: string | undefined
  /** The server's own usual length, an hour, unless said. */
  readonly durationSeconds?: number | undefined
}

/** A Security Token Service and who asks it. */
export interface StsOptions {
  /** Who asks; null for web identities, which bring a token instead. */
  readonly by: CredentialSource | null
  readonly region: string
  /** `http(s)://host[:port]`; AWS's own of the region unless given. */
  readonly endpoint?: string | undefined
  readonly egress: Egress
}

/** Gives session keys for roles. */
export interface Sts {
  /** Throws `role-denied` where the role's trust policy, or its absence, says no; `bad-credentials` where the caller's own keys are not taken. */
  assumeRole(request: RoleRequest): Promise<SessionKeys>
  /** The same by a signed token that an identity provider gave to this machine. */
  assumeRoleByToken(request: RoleRequest, token: Secret): Promise<SessionKeys>
  close(): void
}

/** One answer of the service takes well under a second; behind this nobody waits any more. */
const ANSWER_MS = 20_000
const op = 'assumeRole'

/** What these services say when it is the role, not the caller's keys, that does not fit. */
const roleCodes = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'NoSuchEntity',
  'ValidationError',
  'InvalidIdentityToken',
  'IDPRejectedClaim',
])

/** Opens a Security Token Service, with the official client; it is imported and connected with the first call. */
export function openSts(options: StsOptions): Sts {
  return new StsService(options)
}

/** AWS's own address of the service in a region. */
export function awsStsEndpoint(region: string): string {
  return `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

class StsService implements Sts {
  readonly #options: StsOptions
  readonly #agents: ReturnType<Egress['agents']>
  #sdk: Promise<{ commands: typeof import('@aws-sdk/client-sts'); client: STSClient }> | undefined

  constructor(options: StsOptions) {
    this.#options = options
    this.#agents = options.egress.agents({ keepAlive: false, maxSockets: 4 })
  }

  async assumeRole(request: RoleRequest): Promise<SessionKeys> {
    return this.#ask(async () => {
      const { commands, client } = await this.#open()
      const input = { ...inputOf(request), ...(request.externalId && { ExternalId: request.externalId }) }
      return client.send(new commands.AssumeRoleCommand(input))
    })
  }

  async assumeRoleByToken(request: RoleRequest, token: Secret): Promise<SessionKeys> {
    return this.#ask(async () => {
      const { commands, client } = await this.#open()
      const input = { ...inputOf(request), WebIdentityToken: token.reveal() }
      return client.send(new commands.AssumeRoleWithWebIdentityCommand(input))
    })
  }

  close(): void {
    this.#agents.http.destroy()
    this.#agents.https.destroy()
    void this.#sdk?.then(
      ({ client }) => client.destroy(),
      () => {},
    )
  }

  async #ask(send: () => Promise<{ Credentials?: Credentials | undefined }>): Promise<SessionKeys> {
    let given: Credentials | undefined
    try {
      this.#options.egress.admit(new URL(this.#endpoint()), { provider: 's3', op })
      given = (await send()).Credentials
    } catch (error) {
      throw stsFailure(error)
    }
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = given ?? {}
    const expiresAtMs = Expiration?.getTime() ?? Number.NaN
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || Number.isNaN(expiresAtMs)) {
      throw new StorageError('not-a-storage', 'The address for session keys answered without any.', {
        provider: 's3',
        op,
      })
    }
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: new Secret(SecretAccessKey),
      sessionToken: new Secret(SessionToken),
      expiresAtMs,
    }
  }

  #endpoint(): string {
    return this.#options.endpoint ?? awsStsEndpoint(this.#options.region)
  }

  #open() {
    this.#sdk ??= import('@aws-sdk/client-sts').then((commands) => {
      const { by, region } = this.#options
      const client = new commands.STSClient({
        ...explicitSettings,
        region,
        // Always given: without it the SDK would take one from the environment.
        endpoint: this.#endpoint(),
        credentials: by === null ? noKeys : async () => sdkKeys(await by.current()),
        requestHandler: {
          connectionTimeout: CONNECT_MS,
          requestTimeout: ANSWER_MS,
          throwOnRequestTimeout: true,
          httpAgent: this.#agents.http,
          httpsAgent: this.#agents.https,
        },
      })
      limitAnswers(client)
      return { commands, client }
    })
    return this.#sdk
  }
}

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** What every client of the SDK is told outright, because it would look for it in the environment and in files of this machine otherwise. */
export const explicitSettings = {
  maxAttempts: 1,
  retryMode: 'standard',
  defaultsMode: 'standard',
  useFipsEndpoint: false,
  useDualstackEndpoint: false,
  userAgentAppId: undefined,
  // It would write warnings past the log.
  logger: silent,
} as const

/** Keys as the SDK takes them. It keeps what does not expire for good, and asks us again each time for what has: we know when to renew. */
export function sdkKeys(keys: Keys) {
  return {
    accessKeyId: keys.accessKeyId,
    secretAccessKey: keys.secretAccessKey.reveal(),
    ...(keys.sessionToken === undefined ? {} : { sessionToken: keys.sessionToken.reveal() }),
    ...('expiresAtMs' in keys ? { expiration: new Date(0) } : {}),
  }
}

async function noKeys(): Promise<never> {
  throw new StorageError('bad-credentials', 'There are no keys to ask with.', { provider: 's3', op })
}

function inputOf({ roleArn, sessionName, policy, durationSeconds }: RoleRequest): AssumeRoleCommandInput {
  return {
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    DurationSeconds: durationSeconds ?? 3600,
    ...(policy === undefined ? {} : { Policy: policy }),
  }
}

/** A failure of the service in words of ours; its own sentence is not repeated, as it may quote what was sent. */
function stsFailure(error: unknown): StorageError {
  if (error instanceof StorageError) return error
  const failure = toStorageError(error, { op })
  const { providerCode, requestId } = failure.facts
  // Ceph's refusals come in a form of their own, whose code the client does not find: the status tells.
  const isRefusal = failure.kind === 'forbidden' || failure.kind === 'not-found'
  if (!isRefusal && !roleCodes.has(providerCode ?? '')) return failure
  return new StorageError(
    'role-denied',
    'The role could not be assumed: its ARN is wrong, or its trust policy does not let in who asks.',
    { provider: 's3', op, providerCode, requestId },
  )
}
