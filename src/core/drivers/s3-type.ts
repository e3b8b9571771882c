import { isIP } from 'node:net'
import type { DriverPayload } from '#contract/drivers.ts'
import type { FieldIssue } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import type { StorageSpec } from '#storage/open.ts'
import { compact, endpointField, matchingField, textField } from './payload.ts'
import type { DriverConfig, DriverType } from './types.ts'

/** S3 and everything that speaks it: AWS, or an endpoint of MinIO, Ceph and the like. */
export const s3Type: DriverType = {
  type: 's3',
  provider: 'aws',
  integrationTypes: ['s3', 'aws-sts', 'aws-cross'],
  opensWith: ['s3'],
  placeFields: ['bucketName', 'path'],

  check(payload: DriverPayload, issues: FieldIssue[]): DriverConfig {
    const endpoint = endpointField(payload.endpoint, 'endpoint', issues)
    const bucketName = bucketField(payload.bucketName, endpoint !== undefined, issues)
    return compact({
      bucketName,
      endpoint,
      browserEndpoint: endpointField(payload.browserEndpoint, 'browserEndpoint', issues),
      path: textField(payload.path),
      region: matchingField(
        payload.region,
        { path: 'region', pattern: /^[A-Za-z0-9_-]{1,64}$/, message: 'Give a region’s name, such as eu-central-1.' },
        issues,
      ),
      storageClass: matchingField(
        payload.storageClass,
        { path: 'storageClass', pattern: /^[A-Z0-9_-]{1,64}$/, message: 'Give a storage class, such as STANDARD_IA.' },
        issues,
      ),
      pathStyle: payload.pathStyle ?? undefined,
      proxy: payload.proxy ?? undefined,
    })
  },

  misfit(config, integrationType): string | null {
    // Roles are AWS's own: no other storage knows them (DR-12).
    const isForeign = config.endpoint !== undefined && !isAws(new URL(String(config.endpoint)).host)
    return isForeign && integrationType !== 's3' ? 'With an endpoint of its own only an access key (s3) fits.' : null
  },

  fingerprint(config): string {
    // AWS bucket names are unique within a partition, whatever the region; elsewhere they are unique to the host.
    const isChina = typeof config.region === 'string' && config.region.startsWith('cn-')
    const aws = isChina ? 'amazonaws.com.cn' : 'amazonaws.com'
    const host = typeof config.endpoint === 'string' ? new URL(config.endpoint).host : aws
    return `s3|${isAws(host) ? aws : host}|${String(config.bucketName)}`
  },

  spec(config, { credentials }): StorageSpec {
    const key = credentials?.get('key')
    const secret = credentials?.get('secret')
    if (key === undefined || secret === undefined) {
      throw new AppError('integration.invalid', {
        message: 'The integration has no access key; enter key and secret again.',
      })
    }
    const text = (name: string) => config[name] as string | undefined
    return {
      provider: 's3',
      bucket: text('bucketName')!,
      region: text('region'),
      endpoint: text('endpoint'),
      browserEndpoint: text('browserEndpoint'),
      pathStyle: config.pathStyle as boolean | undefined,
      storageClass: text('storageClass'),
      accessKeyId: key.reveal(),
      secretAccessKey: secret,
    }
  },
}

function isAws(host: string): boolean {
  return /(^|\.)amazonaws\.com(\.cn)?$/.test(host)
}

// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
const awsName = /^(?=.{3,63}$)(?!.*\.\.)[a-z0-9][a-z0-9.-]*[a-z0-9]$/
/** A bucket’s name where it is not AWS: other services take what S3 took in its first years, capitals and underscores, up to 255 characters. */
export const otherBucketName = /^(?=.{3,255}$)(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]$/

function bucketField(given: string | null | undefined, hasEndpoint: boolean, issues: FieldIssue[]): string | undefined {
  const name = textField(given)
  const problem = bucketProblem(name, hasEndpoint)
  if (problem === null) return name
  issues.push({ path: 'payload.bucketName', message: problem })
  return undefined
}

function bucketProblem(name: string | undefined, hasEndpoint: boolean): string | null {
  if (name === undefined) return 'The bucket’s name is required.'
  if (/:\/\/|^arn:/i.test(name)) {
    return 'Give the bucket’s name only, not an address: for s3://photos/2026 that is photos, with 2026 as the path.'
  }
  if (name.includes('/')) return 'Give the bucket’s name only; what follows the slash belongs into the path.'
  if (isIP(name) !== 0) return 'A bucket’s name must not look like an IP address.'
  if (!(hasEndpoint ? otherBucketName : awsName).test(name)) {
    return hasEndpoint
      ? 'A bucket’s name has 3 to 255 letters, digits, dots, hyphens and underscores, and starts and ends with a letter or digit.'
      : 'A bucket’s name has 3 to 63 small letters, digits, dots and hyphens, and starts and ends with a letter or digit.'
  }
  return null
}
