import type { Driver as DriverAnswer, DriverPayload, driverRoutes } from '#contract/drivers.ts'
import {
  createDriver,
  type DriverDraft,
  type DriverInfo,
  deleteDriver,
  findDriver,
  getDriver,
  groupDrivers,
  listDrivers,
  listModuleTypes,
  migrateDrivers,
  requireIntegrationAdmin,
  testDraft,
  testDriver,
  updateDriver,
  validateDrivers,
} from '#core/drivers/drivers.ts'
import { integrationUses } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import { toIso } from '#lib/clock.ts'
import type { Handlers } from '../handler.ts'
import { renderCommand } from './commands.ts'

/** Answers the routes of storage drivers; who may call them is said in the table. */
export const driverHandlers: Handlers<typeof driverRoutes> = {
  async createDriver(deps, { caller, access, query, body, baseUrl }) {
    const validate = query.validate !== 'false' && body.validate !== false
    return render(await createDriver(deps, caller, { ...draft(access, body), name: body.name, validate }), baseUrl)
  },

  async testNewDriver(deps, { caller, access, body }) {
    await testDraft(deps, caller, draft(access, body))
  },

  async listDrivers(deps, { query, baseUrl }) {
    const { projectId, integrationId, name } = query
    const found = await listDrivers(deps, { projectId, integrationId, name })
    return found.map((driver) => render(driver, baseUrl))
  },

  async listModuleTypes() {
    return listModuleTypes()
  },

  async findDriver(deps, { params, query, baseUrl }) {
    return render(await findDriver(deps, query.projectId, params.name), baseUrl)
  },

  async countDriversOfIntegration(deps, { caller, params }) {
    const drivers = await integrationUses(deps, caller, params.integrationId)
    return { count: drivers.length, drivers }
  },

  async getDriver(deps, { params, baseUrl }) {
    return render(await getDriver(deps, params.driverId), baseUrl)
  },

  async updateDriver(deps, { caller, params, query, body, baseUrl }) {
    const { name, integrationId, payload, allowExternalDelete } = body
    const validate = query.validate !== 'false' && body.validate !== false
    const change = { name, integrationId, payload, allowDelete: allowExternalDelete, validate }
    return render(await updateDriver(deps, caller, params.driverId, change), baseUrl)
  },

  async deleteDriver(deps, { caller, params }) {
    await deleteDriver(deps, caller, params.driverId)
    return { id: params.driverId }
  },

  async groupDrivers(deps, { query, baseUrl }) {
    const groups = await groupDrivers(deps, query.projectId)
    return Object.fromEntries(
      [...groups].map(([provider, drivers]) => [provider, drivers.map((driver) => render(driver, baseUrl))]),
    )
  },

  async migrateIntegration(deps, { caller, body }) {
    const { integrationId, newIntegrationId, driverIds } = body
    const moved = await migrateDrivers(deps, caller, { fromId: integrationId, toId: newIntegrationId, driverIds })
    return { count: moved.length, driverIds: moved }
  },

  async validateDrivers(deps, { caller, body, baseUrl }) {
    const { integrationId: id } = body
    const orgId = await requireIntegrationAdmin(deps, caller, id)
    return renderCommand(await validateDrivers(deps, caller, { orgId, id }), baseUrl)
  },

  async testDriver(deps, { caller, params }) {
    await testDriver(deps, caller.userId, params.driverId)
  },
}

interface DraftBody {
  readonly metadata: { readonly system: { readonly orgId?: string | null | undefined } }
  readonly type: string
  readonly integrationId?: string | null | undefined
  readonly integrationType?: string | null | undefined
  readonly payload: DriverPayload
  readonly allowExternalDelete?: boolean | null | undefined
}

function draft(access: { projectId?: string; orgId?: string }, body: DraftBody): DriverDraft {
  const { projectId, orgId } = access
  if (projectId === undefined || orgId === undefined) throw new Error('the guard resolved no project')
  const said = body.metadata.system.orgId
  if (said !== null && said !== undefined && said !== orgId) {
    const message = 'The project belongs to another organization.'
    throw new AppError('driver.invalid', { message, details: [{ path: 'metadata.system.orgId', message }] })
  }
  return {
    projectId,
    orgId,
    type: body.type,
    integrationId: body.integrationId ?? null,
    integrationType: body.integrationType ?? null,
    payload: body.payload,
    // Absent is false (DR-08), whatever the SDK's own default is: it always says.
    allowDelete: body.allowExternalDelete ?? false,
  }
}

function hasBucket(config: DriverInfo['config']): boolean {
  return 'bucketName' in config || 'bucket' in config || 'containerName' in config
}

function computePayload(config: DriverInfo['config']) {
  const text = (name: string) => String(config[name] ?? '')
  return {
    computeId: text('computeId'),
    computeStorageName: text('computeStorageName'),
    public: config.public === true,
  }
}

function render(driver: DriverInfo, baseUrl: string): DriverAnswer {
  const { id, name, type, integrationId, integrationType, projectId, orgId, state, stateReason, folder } = driver
  return {
    // The payload stands flattened among the rest, as the SDK reads it; its names cannot hide ours, which come after it.
    ...driver.config,
    ...(hasBucket(driver.config) && { region: (driver.config.region as string | undefined) ?? null }),
    ...(type === 'computeCluster' && { payload: computePayload(driver.config) }),
    id,
    name,
    type,
    creator: driver.creatorEmail,
    createdAt: toIso(driver.createdMs),
    updatedAt: toIso(driver.updatedMs),
    url: `${baseUrl}/api/v1/drivers/${id}`,
    integrationId: integrationId ?? (type === 'powerscaleNfs' && state !== 'disconnected' ? 'system' : null),
    integrationType,
    metadata: { system: { projectId, orgId } },
    allowExternalDelete: driver.allowDelete,
    allowExternalModification: driver.config.readOnly !== true,
    isSyncable: state !== 'disconnected' && state !== 'unsupported',
    path: (driver.config.path as string | undefined) ?? '',
    folder,
    state,
    stateReason,
    checkedAt: driver.checkedMs === null ? null : toIso(driver.checkedMs),
    probes: [...(driver.report?.probes ?? [])],
    warnings: [...driver.warnings],
    datasetsCount: driver.datasetNames.length,
  }
}
