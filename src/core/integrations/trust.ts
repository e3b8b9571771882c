import { randomUUID } from 'node:crypto'
import type { Config } from '#config/config.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { countOfType, type Trust } from './queries.ts'
import type { IntegrationType } from './types.ts'

const WAITING = {
  aws: 'Let your role trust this principal with this external id, then enter the role’s ARN.',
  gcp: 'Let your service account trust this one, then enter its e-mail address and resource name.',
} as const
const NO_IDENTITY = {
  aws: 'This principal belongs to nobody, and trusting it has no effect: the operator of this server has to set SLUICE_AWS_PRINCIPAL_ARN first.',
  gcp: 'This address belongs to nobody, and trusting it has no effect: the operator of this server has to set SLUICE_GCP_PRINCIPAL_EMAIL first.',
} as const
const UNTRIED = 'What was entered is kept; this version does not try whether the trust is there.'

/**
 * Whom the other account has to trust, for a new cross-account integration; null for all other kinds (IN-07, IN-09).
 *
 * The status is never better than waiting: only a call to the other account that succeeded would prove the trust, and this version makes none.
 * `hasOptions`: the other side's names were given at once.
 */
export function newTrust(config: Config, type: IntegrationType, id: string, hasOptions: boolean): Trust | null {
  if (type.trust === undefined) return null
  const identity = type.trust === 'aws' ? config.awsPrincipalArn : config.gcpPrincipalEmail
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
