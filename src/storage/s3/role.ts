import { readFile } from 'node:fs/promises'
import { type Clock, systemClock } from '#lib/clock.ts'
import { Secret } from '#lib/secret.ts'
import { type Egress, openEgress } from '../egress.ts'
import { failureOf, networkFailure } from '../http/failures.ts'
import { StorageError } from '../storage-error.ts'
import { type CredentialSource, type Keys, lastingKeys, renewedKeys, type SessionKeys } from './credentials.ts'
import { openSts, type RoleRequest, type Sts } from './sts.ts'

/**
 * Who asks for a role.
 *
 * `web-identity` and `pod-identity` are this machine's own identity: they stand only in what the operator wrote, never in what a tenant did.
 */
export type Identity =
  | ({ readonly kind: 'key' } & Keys)
  | { readonly kind: 'web-identity'; readonly roleArn: string; readonly tokenFile: string }
  | { readonly kind: 'pod-identity'; readonly url: string; readonly tokenFile: string }

/** A role whose session keys a storage uses. */
export interface RoleLogin extends Omit<RoleRequest, 'roleArn'> {
  /** Tried in order; the first that lets itself be assumed counts. */
  readonly roleArns: readonly string[]
  readonly identity: Identity
  /** Of the Security Token Service; AWS's own unless given. */
  readonly stsEndpoint?: string | undefined
  /** True where the operator gave that address: then it is not a tenant's, and nothing guards it. */
  readonly isStsTrusted?: boolean | undefined
}

const where = { provider: 's3', op: 'assumeRole' } as const
const CREDENTIALS_MS = 5_000

/** What a login needs of its surroundings. */
export interface RoleSurroundings {
  readonly region: string
  readonly egress: Egress
  readonly clock?: Clock | undefined
}

/** Session keys of a role, renewed before they end; `close` ends the connections they come through. For the S3 driver. */
export function roleKeys(
  login: RoleLogin,
  surroundings: RoleSurroundings,
): { readonly source: CredentialSource; close(): void } {
  const { region, clock = systemClock } = surroundings
  const by = identityKeys(login.identity, login.stsEndpoint, surroundings)
  const egress = login.isStsTrusted === true ? openEgress : surroundings.egress
  const sts = openSts({ by: by.source, region, endpoint: login.stsEndpoint, egress })
  const source = renewedKeys(() => assumeFirst(sts, login), clock)
  return {
    source,
    close() {
      sts.close()
      by.close()
    },
  }
}

/** Whether a role lets itself be assumed in this very way; resolves to the keys, throws what the service says. For proving trust. */
export async function assumeOnce(login: RoleLogin, surroundings: RoleSurroundings): Promise<SessionKeys> {
  const by = identityKeys(login.identity, login.stsEndpoint, surroundings)
  const egress = login.isStsTrusted === true ? openEgress : surroundings.egress
  const sts = openSts({ by: by.source, region: surroundings.region, endpoint: login.stsEndpoint, egress })
  try {
    return await assumeFirst(sts, login)
  } finally {
    sts.close()
    by.close()
  }
}

async function assumeFirst(sts: Sts, login: RoleLogin): Promise<SessionKeys> {
  let denial: unknown
  for (const roleArn of login.roleArns) {
    try {
      return await sts.assumeRole({ ...login, roleArn })
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== 'role-denied') throw error
      denial = error
    }
  }
  throw denial ?? failureOf('bad-credentials', where)
}

/** The keys an identity asks with. */
function identityKeys(
  identity: Identity,
  stsEndpoint: string | undefined,
  { region, clock = systemClock }: RoleSurroundings,
): { readonly source: CredentialSource; close(): void } {
  if (identity.kind === 'key') return { source: lastingKeys(identity), close() {} }
  if (identity.kind === 'pod-identity') {
    return { source: renewedKeys(() => askPodAgent(identity.url, identity.tokenFile), clock), close() {} }
  }
  // The operator's own identity asks the operator's own service: no tenant has a word in where that is.
  const sts = openSts({ by: null, region, endpoint: stsEndpoint, egress: openEgress })
  const { roleArn, tokenFile } = identity
  const fetch = async () => sts.assumeRoleByToken({ roleArn, sessionName: 'sluice' }, await readToken(tokenFile))
  return { source: renewedKeys(fetch, clock), close: () => sts.close() }
}

/** Read each time: such tokens are replaced every few hours. */
async function readToken(file: string): Promise<Secret> {
  try {
    return new Secret((await readFile(file, 'utf8')).trim())
  } catch (cause) {
    const message = 'The file with this server’s own identity cannot be read; the operator has to look after it.'
    throw new StorageError('bad-credentials', message, { ...where, cause })
  }
}

/**
 * Asks the agent that Kubernetes runs beside the pod for the keys of the pod's role.
 * https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html
 */
async function askPodAgent(url: string, tokenFile: string): Promise<SessionKeys> {
  const token = await readToken(tokenFile)
  let body: Record<string, unknown>
  try {
    const signal = AbortSignal.timeout(CREDENTIALS_MS)
    const answer = await fetch(url, { headers: { authorization: token.reveal() }, redirect: 'error', signal })
    if (!answer.ok) throw failureOf('bad-credentials', where)
    body = (await answer.json()) as Record<string, unknown>
  } catch (error) {
    throw networkFailure(error, where)
  }
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = body
  const expiresAtMs = Date.parse(String(Expiration))
  if (
    typeof AccessKeyId !== 'string' ||
    typeof SecretAccessKey !== 'string' ||
    typeof Token !== 'string' ||
    Number.isNaN(expiresAtMs)
  )
    throw failureOf('not-a-storage', where)
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: new Secret(SecretAccessKey),
    sessionToken: new Secret(Token),
    expiresAtMs,
  }
}
