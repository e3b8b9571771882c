import type { DriverPayload } from '#contract/drivers.ts'
import { type FieldIssue, gcpLogin } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import { isGoogleStorage } from '#storage/gcs/addresses.ts'
import type { StorageSpec } from '#storage/open.ts'
import { compact, endpointField, matchingField, textField } from './payload.ts'
import type { DriverConfig, DriverType } from './types.ts'

/** Kinds of integration that log in to Google. */
export const googleTypes = ['gcs', 'gcp-cross', 'gcp-workload-identity-federation']

// Source: https://cloud.google.com/storage/docs/buckets#naming
const bucketName =
  /^(?=.{3,222}$)(?!goog)(?!.*\.\.)[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)*$/
const WANTED_BUCKET =
  'Give the bucket’s name only, not an address: 3 to 222 small letters, digits, dots, hyphens and underscores.'

/** Google Cloud Storage, or an endpoint that speaks its JSON API. */
export const gcsType: DriverType = {
  type: 'gcs',
  provider: 'gcp',
  integrationTypes: googleTypes,
  opensWith: googleTypes,
  placeFields: ['bucket', 'path'],

  check(payload: DriverPayload, issues: FieldIssue[]): DriverConfig {
    if (textField(payload.bucket) === undefined) issues.push({ path: 'payload.bucket', message: WANTED_BUCKET })
    return compact({
      bucket: matchingField(payload.bucket, { path: 'bucket', pattern: bucketName, message: WANTED_BUCKET }, issues),
      endpoint: endpointField(payload.endpoint, 'endpoint', issues),
      path: textField(payload.path),
      region: matchingField(
        payload.region,
        { path: 'region', pattern: /^[A-Za-z0-9_-]{1,64}$/, message: 'Give a region’s name, such as europe-west3.' },
        issues,
      ),
      storageClass: matchingField(
        payload.storageClass,
        { path: 'storageClass', pattern: /^[A-Za-z0-9_-]{1,64}$/, message: 'Give a storage class, such as NEARLINE.' },
        issues,
      ),
      proxy: payload.proxy ?? undefined,
      readOnly: payload.readOnly ?? undefined,
    })
  },

  misfit(config, integrationType, settings): string | null {
    // What such log-ins get are tokens for all of Google; only a key can make one that is good for one address.
    const endpoint = config.endpoint === undefined ? null : new URL(String(config.endpoint))
    const isForeign =
      endpoint !== null && !isGoogleStorage(endpoint) && endpoint.origin !== settings.gcpIdentity.endpoint
    return isForeign && integrationType !== 'gcs'
      ? 'With an endpoint of its own only a service account’s key (gcs) fits.'
      : null
  },

  fingerprint(config): string {
    // Names of buckets are unique within all of Google Cloud; elsewhere to the host.
    const endpoint = config.endpoint === undefined ? null : new URL(String(config.endpoint))
    const host = endpoint === null || isGoogleStorage(endpoint) ? 'storage.googleapis.com' : endpoint.host
    return `gcs|${host}|${String(config.bucket)}`
  },

  spec(config, { settings, credentials, integration }): StorageSpec {
    if (integration === null) throw new AppError('driver.invalid', { message: 'Choose an integration.' })
    const { type, orgId, trust } = integration
    if (type === 'gcp-cross' && trust?.status !== 'trust-established') throw new AppError('integration.not_trusted')
    const text = (name: string) => config[name] as string | undefined
    return {
      provider: 'gcs',
      bucket: text('bucket')!,
      endpoint: text('endpoint'),
      standIn: settings.gcpIdentity.endpoint ?? undefined,
      storageClass: text('storageClass'),
      login: gcpLogin(settings, { type, orgId, credentials }),
    }
  },
}
