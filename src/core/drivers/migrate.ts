import { grant } from '#core/access/access.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { getIntegration, type Integration, integrationOrg, integrationType } from '#core/integrations/integrations.ts'
import { withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { explainVanishedIntegration, prepareChange, writeChange } from './change.ts'
import type { Driver } from './queries.ts'
import * as queries from './queries.ts'

/** Drivers moved a request: each is tried first, and all must be done before the SDK's 120 seconds are over. */
const DRIVERS_MAX = 100
/** Drivers tried at once. */
const AT_ONCE = 8

/** Which drivers get another integration. */
export interface Migration {
  readonly fromId: string
  readonly toId: string
  /** All that use the old one where nothing is given. */
  readonly driverIds?: readonly string[] | undefined
}

/** The organization of an integration where the caller is its owner or admin; `integration.not_found` for strangers, `access.forbidden` for lower roles. */
export async function requireIntegrationAdmin(deps: Deps, caller: Caller, integrationId: string): Promise<string> {
  const orgId = await integrationOrg(deps, caller, integrationId)
  await grant(deps, caller, 'org', orgId, 'admin')
  return orgId
}

/**
 * Moves storage drivers to another integration of the same provider (IN-20), all or none; answers their ids.
 *
 * Each is tried with the new credentials before anything is written. Throws `integration.not_found`, `integration.invalid` (another provider, the same one),
 * `driver.not_found` (one that does not use the old integration), or what changing a driver throws.
 */
export async function migrateDrivers(deps: Deps, caller: Caller, migration: Migration): Promise<string[]> {
  const orgId = await requireIntegrationAdmin(deps, caller, migration.fromId)
  const to = await getIntegration(deps, orgId, migration.toId)
  refuseMisfit(await getIntegration(deps, orgId, migration.fromId), to)
  const drivers = await chosen(deps, orgId, migration)
  const prepared: { driver: Driver; fields: queries.DriverFields; isMoved: boolean }[] = []
  for (let at = 0; at < drivers.length; at += AT_ONCE) {
    const batch = drivers.slice(at, at + AT_ONCE).map(async (driver) => ({
      driver,
      ...(await prepareChange(deps, caller, driver, { integrationId: to.id, validate: true })),
    }))
    prepared.push(...(await Promise.all(batch)))
  }
  await withTransaction(deps.db, async (tx) => {
    for (const { driver, fields, isMoved } of prepared) {
      await writeChange(tx, driver, fields, { isMoved, nowMs: deps.clock.now() })
    }
  }).catch(explainVanishedIntegration)
  const driverIds = drivers.map((driver) => driver.id)
  deps.log.info({ orgId, from: migration.fromId, to: to.id, driverIds, userId: caller.userId }, 'drivers migrated')
  return driverIds
}

function refuseMisfit(from: Integration, to: Integration): void {
  const refuse = (message: string) => {
    throw new AppError('integration.invalid', { message, details: [{ path: 'newIntegrationId', message }] })
  }
  if (from.id === to.id) refuse('The storage drivers use this integration already.')
  if (integrationType(from.type)?.provider !== integrationType(to.type)?.provider) {
    refuse(`An integration of the type ${to.type} cannot take the place of one of the type ${from.type}.`)
  }
}

async function chosen(deps: Deps, orgId: string, { fromId, driverIds }: Migration): Promise<Driver[]> {
  const all = await queries.selectDriversOf(deps.db, orgId, fromId)
  if (driverIds?.some((id) => !all.some((driver) => driver.id === id))) throw new AppError('driver.not_found')
  const drivers = driverIds === undefined ? all : all.filter((driver) => driverIds.includes(driver.id))
  if (drivers.length > DRIVERS_MAX) {
    const message = `At most ${DRIVERS_MAX} storage drivers can be moved at once; name them in driverIds.`
    throw new AppError('driver.invalid', { message, details: [{ path: 'driverIds', message }] })
  }
  // Always in the same order, so that two migrations at once wait for each other instead of locking each other out.
  return drivers.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
