import { randomUUID } from 'node:crypto'
import type { Config } from '#config/config.ts'
import type { ErrorCode } from '#contract/errors.ts'
import type { Deps } from '#core/deps.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { type Credentials, openOptions } from './credentials.ts'
import { proveAwsTrust } from './prove-aws.ts'
import { countOfType, type Integration, recordTrust, type Trust } from './queries.ts'
import { gcpPrincipal, proveGcpTrust } from './trust-gcp.ts'
import type { IntegrationType } from './types.ts'

/** What a real call to the other account came to; `reason` is for people and says how to go on. */
export type Proof = { readonly ok: true } | { readonly ok: false; readonly code: ErrorCode; readonly reason: string }

const WAITING = {
  aws: 'Let your role trust this principal with this external id, then enter the role’s ARN.',
  gcp: 'Let your service account trust this one, then enter its e-mail address and resource name.',
} as const
const NO_IDENTITY = {
  aws: 'This principal belongs to nobody, and trusting it has no effect: the operator of this server has to set SLUICE_AWS_PRINCIPAL_ARN first.',
  gcp: 'This address belongs to nobody, and trusting it has no effect: the operator of this server has to set SLUICE_GCP_PRINCIPAL_EMAIL first.',
} as const
/** Failures by which the other account itself said that it does not trust this server, or anybody. */
const ANSWERS: ReadonlySet<ErrorCode> = new Set(['storage.role_denied', 'integration.trust_too_open'])
const UNTRIED = 'What was entered is kept; it has not been tried yet.'

/**
 * Whom the other account has to trust, for a new cross-account integration; null for all other kinds (IN-07, IN-09).
 *
 * The status is never better than waiting: only a call to the other account that succeeded proves the trust (`proveTrust`). `hasOptions`: the other
 * side's names were given at once. The external id is the server's own choice and never changes: nobody can ask for another organization's.
 */
export function newTrust(
  config: Config,
  type: IntegrationType,
  { id, orgId }: Pick<Integration, 'id' | 'orgId'>,
  hasOptions: boolean,
): Trust | null {
  if (type.trust === undefined) return null
  const identity = type.trust === 'aws' ? config.awsPrincipalArn : gcpPrincipal(config, orgId)
  // The SDK reads a principal of the right form from every new one; the account of zeros and the project `unset` are nobody's.
  const nobody =
    type.trust === 'aws' ? `arn:aws:iam::000000000000:user/sluice-${id}` : `sluice-${id}@unset.iam.gserviceaccount.com`
  const waiting = identity === null ? NO_IDENTITY[type.trust] : WAITING[type.trust]
  return {
    principal: identity ?? nobody,
    ...(type.trust === 'aws' && { externalId: randomUUID() }),
    status: 'waiting-for-trust',
    reason: hasOptions ? UNTRIED : waiting,
  }
}

/** The same after the other side's names were entered or replaced: principal and external id stay, and it waits until somebody proves the trust. */
export function trustAfterOptions(trust: Trust): Trust {
  return { ...trust, status: 'waiting-for-trust', reason: UNTRIED }
}

/**
 * Tries whether the other account trusts this server, and writes down what came of it (IN-14); null where there is nothing to try yet.
 *
 * For the moment after the other side's names were entered, and for whoever wants it tried again. A trust that was taken back makes it wait again: its
 * drivers' calls are refused by then in any case. What comes of an older version of the integration is not kept.
 */
export async function proveTrust(deps: Deps, type: IntegrationType, integration: Integration): Promise<Proof | null> {
  const { orgId, id, version, trust } = integration
  if (trust === null || type.trust === undefined) return null
  const options = await openOptions(deps.db, deps.vault, { orgId, integrationId: id, version })
  const tried =
    type.trust === 'aws' ? await tryAws(deps, orgId, trust, options) : await tryGcp(deps, orgId, trust, options)
  if (tried === null) return null
  const { proof, principal, account } = tried
  // A service that did not answer has taken nothing back.
  const isKept = !proof.ok && !ANSWERS.has(proof.code) && trust.status === 'trust-established'
  const next: Trust = proof.ok
    ? { ...trust, ...(account !== undefined && { account }), principal, status: 'trust-established', reason: null }
    : { ...trust, principal, status: 'waiting-for-trust', reason: proof.reason }
  if (!isKept) await recordTrust(deps.db, { orgId, id, version, trust: next })
  deps.log.info({ orgId, integrationId: id, trusted: proof.ok, ...(!proof.ok && { code: proof.code }) }, 'trust tried')
  return proof
}

interface Tried {
  readonly proof: Proof
  readonly principal: string
  readonly account?: string
}

async function tryAws(deps: Deps, orgId: string, trust: Trust, options: Credentials): Promise<Tried | null> {
  const roleArn = options.get('roleArn')?.reveal()
  const { externalId } = trust
  if (roleArn === undefined || externalId === undefined) return null
  const proof = await proveAwsTrust(deps, { orgId, roleArn, externalId })
  return { proof, principal: deps.config.awsPrincipalArn ?? trust.principal }
}

async function tryGcp(deps: Deps, orgId: string, trust: Trust, options: Credentials): Promise<Tried | null> {
  const account = options.get('email')?.reveal()
  if (account === undefined) return null
  const proof = await proveGcpTrust(deps, { orgId, email: account })
  return { proof, principal: gcpPrincipal(deps.config, orgId) ?? trust.principal, account }
}

/** Throws `integration.limit_reached` when the organization has as many of a cross-account kind as the operator allows (IN-16); no limit unless set. */
export async function refuseOverCap(tx: Db, config: Config, orgId: string, type: IntegrationType): Promise<void> {
  if (type.trust === undefined) return
  const max = type.trust === 'aws' ? config.awsCrossMax : config.gcpCrossMax
  if (max === null || (await countOfType(tx, orgId, type.type)) < max) return
  const name = type.trust === 'aws' ? 'SLUICE_AWS_CROSS_MAX' : 'SLUICE_GCP_CROSS_MAX'
  throw new AppError('integration.limit_reached', {
    message: `An organization may have ${max} integrations of the kind ${type.type}; delete one, or ask the operator to raise ${name}.`,
    details: { type: type.type, max },
  })
}
