import type { Caller, Deps } from '#core/deps.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { newId } from '#lib/ids.ts'
import { recordAudit } from './audit.ts'
import {
  type Credentials,
  checkOptions,
  namedOptions,
  type Options,
  openOptions,
  requireType,
  sealOptions,
} from './credentials.ts'
import type { Integration, IntegrationUse } from './queries.ts'
import * as queries from './queries.ts'
import { newTrust, type Proof, proveTrust, refuseOverCap, trustAfterOptions } from './trust.ts'
import { type IntegrationType, integrationType } from './types.ts'

export { assumedRoleLogin, tryAssumedRole } from './assumed-role.ts'
export { type AuditAction, listAlerts, listAudit, recordAudit } from './audit.ts'
export { azureAccount, azureTypes } from './azure-login.ts'
export type { Credentials } from './credentials.ts'
export { crossAccountLogin } from './prove-aws.ts'
export type { Integration, IntegrationUse, Trust } from './queries.ts'
export type { FieldIssue } from './registry.ts'
export { dockerConfig, registryLogins, tryRegistryLogins } from './registry-accounts.ts'
export { gcpLogin } from './trust-gcp.ts'
export { type IntegrationOption, type IntegrationType, integrationType, integrationTypes } from './types.ts'

/** What a new integration is made of. */
export interface NewIntegration {
  readonly orgId: string
  readonly name: string
  readonly type: string
  readonly options: Options
  readonly metadata: Readonly<Record<string, unknown>>
}

/**
 * Seals credentials for an organization (IN-01, IN-02). The guard has seen to it that the caller is its owner or admin.
 *
 * A cross-account one needs none yet: it tells whom to trust and waits (IN-14). Throws `integration.invalid` with one detail a field, and
 * `integration.limit_reached` (IN-16).
 */
export async function createIntegration(deps: Deps, caller: Caller, wanted: NewIntegration): Promise<Integration> {
  const type = requireType(wanted.type)
  const options = namedOptions(type, wanted.options)
  const isWaiting = type.trust !== undefined && Object.keys(options).length === 0
  if (!isWaiting) checkOptions(type, options, 'options')
  checkMetadata(type, wanted.metadata)
  const nowMs = deps.clock.now()
  const id = newId(nowMs)
  const { orgId, name, metadata } = wanted
  const trust = newTrust(deps.config, type, { id, orgId }, !isWaiting)
  await withTransaction(deps.db, async (tx) => {
    await refuseOverCap(tx, deps.config, orgId, type)
    const row = { id, orgId, name, type: type.type, metadata, trust, creatorId: caller.userId, nowMs }
    await queries.insertIntegration(tx, row)
    await sealOptions(tx, deps.vault, { orgId, integrationId: id, version: 1 }, options)
    await recordAudit(tx, { integrationId: id, actorId: caller.userId, action: 'created', details: { version: 1 } })
  })
  deps.log.info({ orgId, integrationId: id, type: type.type, userId: caller.userId }, 'integration created')
  if (!isWaiting) await tryTrust(deps, orgId, id)
  return getIntegration(deps, orgId, id)
}

/** Names that the platform itself says of cross-account integrations; a caller's would be taken for them. */
const trustNames = ['userArn', 'email', 'externalId', 'status', 'reason']

function checkMetadata(type: IntegrationType, metadata: Readonly<Record<string, unknown>>): void {
  const allowed = type.metadata
  const names = Object.keys(metadata)
  const wrong =
    allowed !== undefined
      ? names.filter((name) => !allowed.names.includes(name))
      : names.filter((name) => type.trust !== undefined && trustNames.includes(name))
  if (wrong.length === 0) return
  const detail =
    allowed === undefined
      ? `The server itself writes: ${trustNames.join(', ')}.`
      : allowed.names.length === 0
        ? 'This kind of integration takes no metadata.'
        : `There may be only: ${allowed.names.join(', ')}.`
  throw new AppError('integration.invalid', {
    message: allowed?.complaint ?? 'Invalid input specified',
    details: [{ path: 'metadata', message: detail }],
  })
}

/** All integrations of an organization, oldest first. */
export async function listIntegrations(deps: Deps, orgId: string): Promise<Integration[]> {
  return queries.selectIntegrations(deps.db, orgId)
}

/** One integration of an organization; `integration.not_found` also when it belongs to another. */
export async function getIntegration(deps: Deps, orgId: string, id: string): Promise<Integration> {
  const [found] = await queries.selectIntegrations(deps.db, orgId, id)
  if (found === undefined) throw new AppError('integration.not_found')
  return found
}

/** A change to an integration; what is left out stays. */
export interface IntegrationChange {
  readonly orgId: string
  readonly id: string
  readonly name?: string | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
  readonly credentials?: { readonly type?: string | undefined; readonly options: Options } | undefined
}

/**
 * Renames an integration, or rotates its credentials (IN-17, IN-21).
 *
 * A rotation is a new version: whatever opens a driver from now on uses it, and the old version's content is destroyed in the same transaction. Work that
 * has a storage open already goes on with what it has until it opens the next one.
 */
export async function updateIntegration(deps: Deps, caller: Caller, change: IntegrationChange): Promise<Integration> {
  const { orgId, id, name, metadata, credentials } = change
  const version = await withTransaction(deps.db, async (tx) => {
    const locked = await queries.lockIntegration(tx, orgId, id)
    if (locked === null) throw new AppError('integration.not_found')
    if (metadata !== undefined) checkMetadata(requireType(locked.type), metadata)
    const next = credentials === undefined ? locked.version : locked.version + 1
    if (credentials !== undefined) {
      if (credentials.type !== undefined && credentials.type !== locked.type) {
        const message = `The kind of an integration stays what it is (${locked.type}); make a new one instead.`
        throw new AppError('integration.invalid', { message, details: [{ path: 'credentials.type', message }] })
      }
      const type = requireType(locked.type)
      const options = namedOptions(type, credentials.options)
      checkOptions(type, options, 'credentials.options')
      await sealOptions(tx, deps.vault, { orgId, integrationId: id, version: next }, options)
      await queries.destroySecretsBefore(tx, id, next)
    }
    const trust = locked.trust === null || credentials === undefined ? undefined : trustAfterOptions(locked.trust)
    await queries.patchIntegration(tx, { orgId, id, name, metadata, trust, version: next, nowMs: deps.clock.now() })
    await auditChange(tx, caller, change, locked.name, next)
    return next
  })
  deps.log.info(
    { orgId, integrationId: id, version, rotated: credentials !== undefined, userId: caller.userId },
    'integration changed',
  )
  if (credentials !== undefined) await tryTrust(deps, orgId, id)
  return getIntegration(deps, orgId, id)
}

/**
 * Tries whether the other account of a cross-account integration trusts this server, and keeps the outcome with it (IN-14); null for kinds that need no
 * trust, and before the other side's names were entered.
 */
export async function tryTrust(deps: Deps, orgId: string, id: string): Promise<Proof | null> {
  const integration = await getIntegration(deps, orgId, id)
  const type = integrationType(integration.type)
  return type === undefined ? null : proveTrust(deps, type, integration)
}

/** Writes down each thing that an update changed; of metadata the names alone. */
async function auditChange(
  tx: Db,
  caller: Caller,
  { id, name, metadata, credentials }: IntegrationChange,
  nameBefore: string,
  version: number,
): Promise<void> {
  const note = { integrationId: id, actorId: caller.userId }
  if (name !== undefined && name !== nameBefore)
    await recordAudit(tx, { ...note, action: 'renamed', details: { from: nameBefore, to: name } })
  if (metadata !== undefined)
    await recordAudit(tx, { ...note, action: 'changed', details: { metadata: Object.keys(metadata) } })
  if (credentials !== undefined) await recordAudit(tx, { ...note, action: 'rotated', details: { version } })
}

/** What to delete, and how sure the caller is. */
export interface IntegrationDeletion {
  readonly orgId: string
  readonly id: string
  /** Also when storage drivers use it: they become disconnected, their datasets keep index and annotations. */
  readonly force: boolean
  /** The second confirmation (IN-18); needed with `force` only. */
  readonly confirm: boolean
}

/**
 * Deletes an integration (IN-18, IN-19).
 *
 * One that no driver uses goes at once: nothing depends on it, and existing scripts confirm on their side and send a bare DELETE. One in use is refused
 * with the list of its drivers; `force` together with `confirm` deletes it all the same.
 */
export async function deleteIntegration(deps: Deps, caller: Caller, deletion: IntegrationDeletion): Promise<void> {
  const { orgId, id, force, confirm } = deletion
  const uses = await withTransaction(deps.db, async (tx) => {
    if ((await queries.lockIntegration(tx, orgId, id)) === null) throw new AppError('integration.not_found')
    const found = await queries.selectUses(tx, orgId, id)
    if (found.length > 0 && !force) {
      throw new AppError('integration.in_use', {
        message: `Storage drivers still use this integration (${found.length}); delete or move them first.`,
        details: { driversCount: found.length, drivers: found },
      })
    }
    if (found.length > 0 && !confirm) {
      throw new AppError('integration.confirm_required', {
        message: `${found.length} storage driver(s) would lose their storage. To delete the integration all the same, send confirm=true with force=true.`,
        details: { driversCount: found.length, drivers: found },
      })
    }
    const details = { disconnectedDrivers: found.length }
    await recordAudit(tx, { integrationId: id, actorId: caller.userId, action: 'deleted', details })
    await queries.deleteIntegrationRow(tx, orgId, id, deps.clock.now())
    return found
  })
  const driverIds = uses.map((use) => use.driverId)
  deps.log.warn({ orgId, integrationId: id, disconnected: driverIds, userId: caller.userId }, 'integration deleted')
}

/** The storage drivers that use an integration, for members of its organization (IN-19); `integration.not_found` for everybody else. */
export async function integrationUses(deps: Deps, caller: Caller, id: string): Promise<IntegrationUse[]> {
  return queries.selectUses(deps.db, await integrationOrg(deps, caller, id), id)
}

/** The organization of an integration, for those who are more than workers there; `integration.not_found` for everybody else. */
export async function integrationOrg(deps: Deps, caller: Caller, id: string): Promise<string> {
  const orgId = await queries.selectOrgForMember(deps.db, id, caller.userId)
  if (orgId === null) throw new AppError('integration.not_found')
  return orgId
}

/**
 * Opens the credentials of an integration, for whoever is about to talk to the provider; call it as late as possible and do not keep the result.
 *
 * Throws `integration.unreadable` when this server's master key does not open them.
 */
export async function openCredentials(
  deps: Deps,
  integration: { readonly orgId: string; readonly id: string; readonly version: number },
): Promise<Credentials> {
  const { orgId, id, version } = integration
  return openOptions(deps.db, deps.vault, { orgId, integrationId: id, version })
}
