import type { Integration as IntegrationAnswer, integrationRoutes } from '#contract/integrations.ts'
import { testIntegration } from '#core/drivers/drivers.ts'
import {
  createIntegration,
  deleteIntegration,
  getIntegration,
  type Integration,
  type IntegrationType,
  integrationType,
  integrationTypes,
  listIntegrations,
  updateIntegration,
} from '#core/integrations/integrations.ts'
import { toIso } from '#lib/clock.ts'
import type { Handlers } from '../handler.ts'

/** Answers the routes of integrations; who may call them is said in the table. */
export const integrationHandlers: Handlers<typeof integrationRoutes> = {
  async listAvailableIntegrations(deps, { params }) {
    const kinds = integrationTypes.map((type) => ({ id: type.type, name: type.type, isKind: true, ...describe(type) }))
    // The SDK lists by this what can be used, and looks there for the ids of those that were made.
    const made = (await listIntegrations(deps, params.orgId)).flatMap(({ id, name, type }) => {
      const found = integrationType(type)
      return found === undefined ? [] : [{ id, name, isKind: false, ...describe(found) }]
    })
    return [...kinds, ...made]
  },

  async createIntegration(deps, { caller, params, body, baseUrl }) {
    const { name, type, options } = body
    const metadata = metadataRecord(body.metadata) ?? {}
    const wanted = { orgId: params.orgId, name, type, options: options ?? {}, metadata }
    return render(await createIntegration(deps, caller, wanted), baseUrl)
  },

  async listIntegrations(deps, { params, baseUrl }) {
    const all = await listIntegrations(deps, params.orgId)
    return all.map((each) => render(each, baseUrl))
  },

  async getIntegration(deps, { params, baseUrl }) {
    return render(await getIntegration(deps, params.orgId, params.integrationId), baseUrl)
  },

  async updateIntegration(deps, { caller, params, body, baseUrl }) {
    const { credentials } = body
    const changed = await updateIntegration(deps, caller, {
      orgId: params.orgId,
      id: body.integrationId,
      name: body.name ?? undefined,
      metadata: metadataRecord(body.metadata),
      credentials: credentials ? { type: credentials.type ?? undefined, options: credentials.options } : undefined,
    })
    return render(changed, baseUrl)
  },

  async testIntegration(deps, { caller, params }) {
    await testIntegration(deps, caller, params.orgId, params.integrationId)
  },

  async deleteIntegration(deps, { caller, params, query }) {
    const id = params.integrationId
    const force = query.force === 'true'
    const confirm = query.confirm === 'true'
    await deleteIntegration(deps, caller, { orgId: params.orgId, id, force, confirm })
    return { id }
  },
}

function describe({ type, label, provider, supported, driverTypes, options, trust }: IntegrationType) {
  return {
    type,
    label,
    provider,
    supported,
    driverTypes: [...driverTypes],
    // Those that wait for trust are made with nothing.
    options: options.map((option) => ({
      name: option.name,
      label: option.label,
      type: option.type,
      required: option.required && trust === undefined,
      secret: option.secret,
    })),
  }
}

type GivenMetadata = Record<string, unknown> | { name: string; value?: unknown }[] | null | undefined

function metadataRecord(given: GivenMetadata): Record<string, unknown> | undefined {
  if (given === null || given === undefined) return undefined
  if (!Array.isArray(given)) return given
  return Object.fromEntries(given.map(({ name, value }) => [name, value ?? null]))
}

/** How far a cross-account integration is, as existing scripts read it: whom to trust is `userArn` with AWS and `email` with Google Cloud. */
function trustMetadata({ type, trust }: Integration) {
  if (trust === null) return []
  const { principal, externalId, status, reason } = trust
  return named({
    [type === 'aws-cross' ? 'userArn' : 'email']: principal,
    ...(externalId !== undefined && { externalId }),
    status,
    ...(reason !== null && { reason }),
  })
}

function named(values: Readonly<Record<string, unknown>>) {
  return Object.entries(values).map(([name, value]) => ({ name, value }))
}

function render(integration: Integration, baseUrl: string): IntegrationAnswer {
  const { id, name, type, orgId, version, driversCount } = integration
  return {
    id,
    name,
    type,
    provider: integrationType(type)?.provider ?? 'sluice',
    org: orgId,
    creator: integration.creatorEmail,
    createdAt: toIso(integration.createdMs),
    updatedAt: toIso(integration.updatedMs),
    url: `${baseUrl}/api/v1/orgs/${orgId}/integrations/${id}`,
    metadata: [...trustMetadata(integration), ...named(integration.metadata)],
    version,
    credentialsUpdatedAt: toIso(integration.credentialsMs),
    driversCount,
  }
}
