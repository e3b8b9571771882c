import { randomUUID } from 'node:crypto'
import type { Config } from '#config/config.ts'
import type { Deps } from '#core/deps.ts'
import { storageErrorCode } from '#storage/error-codes.ts'
import { assumeOnce, type RoleLogin } from '#storage/s3/role.ts'
import { StorageError } from '#storage/storage-error.ts'
import type { Proof } from './trust.ts'

/** Shortest session there is; the keys of a proof are thrown away at once. */
const PROOF_SECONDS = 900
/** A session that may do nothing at all, whatever the role may. */
const NOTHING = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }],
})

/** What of an integration a proof needs. */
export interface AwsProofSubject {
  readonly orgId: string
  readonly roleArn: string
  readonly externalId: string
}

/**
 * Proves that a role lets this server in with the integration's external id, and with that only (§4.2 of the safety design).
 *
 * A role that also opens without an external id, with another one or with one that is nearly right would let any organization of this server reach it
 * that learns its ARN: it is not taken, whatever else works. A refusal counts only if the service really said no.
 */
export async function proveAwsTrust(deps: Deps, subject: AwsProofSubject): Promise<Proof> {
  const { orgId, roleArn, externalId } = subject
  const login = crossAccountLogin(deps.config, { orgId, roleArn })
  if (login === null) return { ok: false, code: 'integration.not_trusted', reason: NO_LOGIN }
  const region = regionOf(roleArn)
  const ask = (given: string | undefined) =>
    assumeOnce(
      { ...login, externalId: given, policy: NOTHING, durationSeconds: PROOF_SECONDS },
      { region, egress: deps.egress, clock: deps.clock },
    )
  try {
    await ask(externalId)
    for (const [wrong, sentence] of wrongIds(externalId)) {
      if (await isRefused(() => ask(wrong))) continue
      return { ok: false, code: 'integration.trust_too_open', reason: `${sentence} ${mend(externalId)}` }
    }
    return { ok: true }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    return { ok: false, code: storageErrorCode(error), reason: reasonOf(error, deps.config, externalId) }
  }
}

/** How this server gets the keys of another account's role; null where the operator gave it no identity of its own. */
export function crossAccountLogin(
  config: Config,
  { orgId, roleArn }: { readonly orgId: string; readonly roleArn: string },
): RoleLogin | null {
  if (config.awsIdentity === null) return null
  return {
    roleArns: [roleArn],
    sessionName: orgId,
    identity: config.awsIdentity,
    stsEndpoint: config.awsStsEndpoint ?? undefined,
    isStsTrusted: true,
  }
}

const NO_LOGIN =
  'This server has no AWS identity of its own to try it with: the operator has to set SLUICE_AWS_PRINCIPAL_ARN with a key or a token file.'

/** External ids that must not open a role, and what it means where one does. */
function wrongIds(externalId: string): readonly (readonly [string | undefined, string])[] {
  const last = externalId.at(-1) === '0' ? '1' : '0'
  return [
    [undefined, 'The role can be assumed without any external id, so everybody who uses this server could reach it.'],
    [randomUUID(), 'The role can be assumed with any external id, so everybody who uses this server could reach it.'],
    [
      `${externalId.slice(0, -1)}${last}`,
      'The role can be assumed with external ids that only resemble this one, so others who use this server could reach it.',
    ],
  ]
}

function mend(externalId: string): string {
  return `Its trust policy must have, in every statement that allows sts:AssumeRole to this principal, the condition {"StringEquals": {"sts:ExternalId": "${externalId}"}}.`
}

async function isRefused(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask()
    return false
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'role-denied') return true
    // Silence, a throttle or a broken answer refuses nothing.
    throw error
  }
}

function reasonOf(error: StorageError, config: Config, externalId: string): string {
  if (error.kind === 'role-denied') {
    return `The role could not be assumed: check its ARN, and that its trust policy allows sts:AssumeRole to ${config.awsPrincipalArn} with the external id ${externalId}.`
  }
  if (error.kind === 'bad-credentials') {
    return 'AWS does not accept this server’s own identity; the operator has to look after it.'
  }
  return `It could not be tried. ${error.message}`
}

/** A region of the role's own partition: session keys of one are worth nothing in another. */
export function regionOf(roleArn: string): string {
  const partition = roleArn.split(':')[1]
  if (partition === 'aws-cn') return 'cn-north-1'
  return partition === 'aws-us-gov' ? 'us-gov-west-1' : 'us-east-1'
}
