import type { DriverPayload } from '#contract/drivers.ts'
import type { Deps } from '#core/deps.ts'
import { type FieldIssue, getIntegration, type Trust } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import { azurePolicies } from '#storage/azure/policy.ts'
import { type GcsPolicyLogin, gcsPolicies } from '#storage/gcs/policy.ts'
import type { PolicyScope, PolicySet } from '#storage/policy.ts'
import { type S3PolicyLogin, s3Policies } from '#storage/s3/policies.ts'
import { requireDriver } from './change.ts'
import { folderField } from './payload.ts'
import { type DriverConfig, driverType } from './types.ts'

/** A driver that is to be given its rights, saved or not; nothing of it has to work yet. */
export interface PolicySubject {
  readonly type: string
  readonly config: DriverConfig
  readonly folder: string
  readonly allowDelete: boolean
  /** Kind of the integration; null: not said, or none. */
  readonly integrationType: string | null
  /** Whom the other account is to trust; null where that is not asked, or the integration is not made yet. */
  readonly trust: Pick<Trust, 'principal' | 'externalId' | 'account'> | null
}

/** What may be chosen besides what the driver says. */
export interface PolicyChoice {
  /** Where browsers load the console from. */
  readonly origin: string
  /** Whether failed uploads in parts may be given up at once (PM-23). */
  readonly abortUploads: boolean
  /** ARN of the bucket's own key (PM-24). */
  readonly kmsKeyArn?: string | undefined
}

/** A driver as a caller describes it for its policies; integration and driver need not exist. */
export interface PolicyDraft {
  readonly orgId: string
  readonly type: string
  readonly integrationId: string | null
  readonly integrationType: string | null
  readonly payload: DriverPayload
  readonly allowDelete: boolean
}

/** The documents for a driver that is not there yet. Throws `driver.invalid` with one detail a field, `integration.not_found`. */
export async function draftPolicies(deps: Deps, draft: PolicyDraft, choice: PolicyChoice): Promise<PolicySet> {
  const { integrationId } = draft
  const found =
    integrationId === null || integrationId === 'system' ? null : await getIntegration(deps, draft.orgId, integrationId)
  const integrationType = found?.type ?? draft.integrationType
  const subject = describePolicies({ ...draft, integrationType })
  return policiesOf({ ...subject, trust: knownTrust(deps, found?.trust ?? null) }, choice)
}

/** The documents for a saved driver, as it is now. Throws `driver.not_found`. */
export async function driverPolicies(deps: Deps, id: string, choice: PolicyChoice): Promise<PolicySet> {
  const driver = await requireDriver(deps, id)
  return policiesOf({ ...driver, trust: knownTrust(deps, driver.integrationTrust) }, choice)
}

/** A principal that belongs to nobody is not shown as one to trust. */
function knownTrust({ config }: Deps, trust: Trust | null): PolicySubject['trust'] {
  if (trust === null) return null
  const isSetUp = trust.externalId === undefined ? config.gcpPrincipalEmail !== null : config.awsPrincipalArn !== null
  return isSetUp ? trust : null
}

/** Checks what was typed as creating a driver does, but for the integration's own state; for the API and the command line. */
export function describePolicies(draft: Omit<PolicyDraft, 'orgId' | 'integrationId'>): Omit<PolicySubject, 'trust'> {
  const type = driverType(draft.type)
  const issues: FieldIssue[] = []
  const { readOnly } = draft.payload
  const config = { ...type.check(draft.payload, issues), ...(typeof readOnly === 'boolean' && { readOnly }) }
  const folder = folderField(draft.payload.path, issues)
  // The SDK says the driver's own type where its caller names none.
  const said =
    draft.integrationType === draft.type && type.integrationTypes?.includes(draft.type) !== true
      ? null
      : draft.integrationType
  if (said !== null && type.integrationTypes?.includes(said) !== true) {
    const message = `Drivers of the type ${draft.type} take: ${type.integrationTypes?.join(', ') ?? 'no integration'}.`
    issues.push({ path: 'integrationType', message })
  }
  if (issues.length > 0)
    throw new AppError('driver.invalid', { message: issues.map((issue) => issue.message).join(' '), details: issues })
  return { type: draft.type, config, folder, allowDelete: draft.allowDelete, integrationType: said }
}

/** Everything the storage's owner has to set up for a driver: the least that lets it work, and nothing more. Throws `driver.not_supported` for kinds without documents. */
export function policiesOf(subject: PolicySubject, choice: PolicyChoice): PolicySet {
  const set = setOf(subject, choice)
  const isIgnored = subject.type !== 's3' && (choice.kmsKeyArn !== undefined || choice.abortUploads)
  return isIgnored ? { ...set, notes: [...set.notes, ONLY_S3] } : set
}

const ONLY_S3 = 'The bucket’s key and the giving up of uploads are S3’s; they change nothing here.'

function setOf(subject: PolicySubject, choice: PolicyChoice): PolicySet {
  const { type, config, folder, allowDelete } = subject
  const { provider } = driverType(type)
  const bucket = String(config.bucketName ?? config.bucket ?? config.containerName ?? '')
  const mayWrite = config.readOnly !== true && provider !== 'registry'
  const scope: PolicyScope = { bucket, folder, mayWrite, mayDelete: allowDelete, origin: choice.origin }
  if (type === 's3') {
    return s3Policies({
      ...scope,
      partition: partitionOf(config.region),
      mayAbort: choice.abortUploads,
      kmsKeyArn: choice.kmsKeyArn,
      login: s3Login(subject),
    })
  }
  if (type === 'gcs') return gcsPolicies({ ...scope, login: gcsLogin(subject) })
  if (provider === 'azure') return azurePolicies({ ...scope, login: azureLogin(subject.integrationType) })
  if (provider === 'local') return plain(localNotes(String(config.rootPath), scope))
  if (provider === 'registry') return plain(REGISTRY_NOTES)
  throw new AppError('driver.not_supported', {
    message: `There are no documents for storage drivers of the type ${type}; whoever runs their storage knows what it wants.`,
  })
}

function partitionOf(region: DriverConfig[string] | undefined): string {
  if (typeof region !== 'string') return 'aws'
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

function s3Login({ integrationType, trust }: PolicySubject): S3PolicyLogin {
  if (integrationType === 'aws-sts') return { kind: 'assumed-role', userArn: null, roleArn: null }
  if (integrationType === 'aws-cross')
    return { kind: 'cross-account', principalArn: trust?.principal ?? null, externalId: trust?.externalId ?? null }
  return { kind: 'key' }
}

function gcsLogin({ integrationType, trust }: PolicySubject): GcsPolicyLogin {
  if (integrationType === 'gcp-cross')
    return { kind: 'cross-project', principal: trust?.principal ?? null, account: trust?.account ?? null }
  return { kind: integrationType === 'gcp-workload-identity-federation' ? 'federation' : 'key' }
}

function azureLogin(integrationType: string | null): 'principal' | 'account-key' | 'sas' {
  if (integrationType === 'azure-sas') return 'sas'
  const isKey = integrationType === 'azure-account-key' || integrationType === 'azure-connection-string'
  return isKey ? 'account-key' : 'principal'
}

function plain(notes: readonly string[]): PolicySet {
  return { documents: [], terraform: '', notes }
}

function localNotes(rootPath: string, { folder, mayWrite, mayDelete }: PolicyScope): string[] {
  const rights = mayWrite
    ? `read, enter and write (${mayDelete ? 'also to delete' : 'a file system cannot allow writing without deleting'})`
    : 'read and enter'
  return [
    `The operator opens the folder: SLUICE_LOCAL_ROOTS has to name ${rootPath} or a folder above it.`,
    `The user that the server runs as needs the right to ${rights} in ${folder === '' ? 'it' : `its folder ${folder}`} and all folders below.`,
  ]
}

const REGISTRY_NOTES = [
  'The account needs the right to pull the repositories, and where none are named the right to list them (catalog). Nothing is ever pushed or deleted.',
]
