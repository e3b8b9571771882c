import type { DriverPayload } from '#contract/drivers.ts'
import { azureAccount, azureTypes, type FieldIssue } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import { blobHostSuffixes } from '#storage/azure/address.ts'
import type { StorageSpec } from '#storage/open.ts'
import { compact, endpointField, matchingField, textField } from './payload.ts'
import type { DriverConfig, DriverType } from './types.ts'

// Source: https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#container-names
const containerName = /^(\$root|\$web|\$logs|(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*)$/
const WANTED_CONTAINER =
  'Give the container’s name only, not an address: 3 to 63 small letters, digits and single hyphens.'

/** Kinds of integration whose credentials could be used by whoever they are sent to: they go to Azure and where the operator allows it. */
const bearerTypes = new Set<string>(azureTypes.filter((type) => !/key|connection/.test(type)))

/** Azure Blob Storage, and Data Lake Storage Gen2, whose hierarchical accounts are reached by the same calls. */
export const azureDrivers: readonly DriverType[] = (['azureblob', 'azureDatalakeGen2'] as const).map(toType)

function toType(type: string): DriverType {
  return {
    type,
    provider: 'azure',
    integrationTypes: azureTypes,
    opensWith: azureTypes,
    placeFields: ['containerName', 'path'],
    check: checkPayload,

    misfit(config, integrationType, settings): string | null {
      if (config.endpoint === undefined || !bearerTypes.has(integrationType)) return null
      const endpoint = new URL(String(config.endpoint))
      const isAzure = blobHostSuffixes.some((suffix) => endpoint.host.endsWith(`.${suffix}`))
      const isKnown = (isAzure && endpoint.protocol === 'https:') || settings.azureIdentity.endpoint === endpoint.origin
      return isKnown
        ? null
        : 'With an endpoint that is not Azure’s own only an account key fits, or the operator has to allow it (SLUICE_AZURE_ENDPOINT).'
    },

    // Without the account, which stands sealed in the integration, the integration is the best that is known of whose storage this is.
    fingerprint: (config, integrationId) =>
      `azure|${String(config.endpoint ?? '')}|${integrationId ?? ''}|${String(config.containerName)}`,

    spec(config, { settings, credentials, integration }): StorageSpec {
      if (integration === null) throw new AppError('driver.invalid', { message: 'Choose an integration.' })
      const { account, endpoint, credentials: login } = azureAccount(settings, { ...integration, credentials })
      const text = (name: string) => config[name] as string | undefined
      return {
        provider: 'azure',
        account,
        container: text('containerName')!,
        endpoint: text('endpoint') ?? settings.azureIdentity.endpoint ?? endpoint,
        credentials: login,
        tier: text('storageClass'),
      }
    },
  }
}

function checkPayload(payload: DriverPayload, issues: FieldIssue[]): DriverConfig {
  const container = textField(payload.containerName)
  if (container === undefined) issues.push({ path: 'payload.containerName', message: WANTED_CONTAINER })
  const endpoint = endpointField(payload.endpoint, 'endpoint', issues)
  if (endpoint !== undefined && /\.dfs\./.test(new URL(endpoint).host)) {
    issues.push({
      path: 'payload.endpoint',
      message: 'Give the blob endpoint (….blob.…), also for hierarchical accounts.',
    })
  }
  return compact({
    containerName: matchingField(
      container,
      { path: 'containerName', pattern: containerName, message: WANTED_CONTAINER },
      issues,
    ),
    endpoint,
    path: textField(payload.path),
    region: matchingField(
      payload.region,
      { path: 'region', pattern: /^[A-Za-z0-9_-]{1,64}$/, message: 'Give a region’s name, such as westeurope.' },
      issues,
    ),
    storageClass: matchingField(
      payload.storageClass,
      { path: 'storageClass', pattern: /^[A-Za-z0-9_-]{1,64}$/, message: 'Give an access tier, such as Cool.' },
      issues,
    ),
    proxy: payload.proxy ?? undefined,
    readOnly: payload.readOnly ?? undefined,
  })
}
