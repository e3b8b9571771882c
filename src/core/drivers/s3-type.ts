import { isIP } from 'node:net'
import type { Config } from '#config/config.ts'
import type { DriverPayload } from '#contract/drivers.ts'
import { assumedRoleLogin, crossAccountLogin, type FieldIssue } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import type { StorageSpec } from '#storage/open.ts'
import type { Capabilities } from '#storage/port.ts'
import type { RoleLogin } from '#storage/s3/role.ts'
import type { S3Options } from '#storage/s3/s3.ts'
import { compact, endpointField, matchingField, textField } from './payload.ts'
import { sessionPolicy } from './session-policy.ts'
import type { DriverConfig, DriverType, SpecContext } from './types.ts'

/** S3 and everything that speaks it: AWS, or an endpoint of MinIO, Ceph and the like. */
export const s3Type: DriverType = {
  type: 's3',
  provider: 'aws',
  integrationTypes: ['s3', 'aws-sts', 'aws-cross'],
  opensWith: ['s3', 'aws-sts', 'aws-cross', null],
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

  // A bucket that is open to everybody; said outright, so that a forgotten integration is not taken for one.
  isIntegrationOptional: (config) => config.readOnly === true,

  misfit(config, integrationType, settings): string | null {
    // Roles are AWS's own; no other storage knows them (DR-12), unless the operator says which one does.
    const host = config.endpoint === undefined ? null : new URL(String(config.endpoint)).host
    const isForeign = host !== null && !isAws(host) && host !== roleHost(settings)
    return isForeign && integrationType !== 's3' ? 'With an endpoint of its own only an access key (s3) fits.' : null
  },

  fingerprint(config): string {
    // AWS bucket names are unique within a partition, whatever the region; elsewhere they are unique to the host.
    const isChina = typeof config.region === 'string' && config.region.startsWith('cn-')
    const aws = isChina ? 'amazonaws.com.cn' : 'amazonaws.com'
    const host = typeof config.endpoint === 'string' ? new URL(config.endpoint).host : aws
    return `s3|${isAws(host) ? aws : host}|${String(config.bucketName)}`
  },

  spec(config, context): StorageSpec {
    const text = (name: string) => config[name] as string | undefined
    return {
      provider: 's3',
      bucket: text('bucketName')!,
      region: text('region'),
      endpoint: text('endpoint'),
      browserEndpoint: text('browserEndpoint'),
      pathStyle: config.pathStyle as boolean | undefined,
      storageClass: text('storageClass'),
      ...(context.known !== null && { known: probedOf(context.known) }),
      ...loginOf(config, context),
    }
  },
}

type Login = Pick<S3Options, 'accessKeyId' | 'secretAccessKey' | 'role' | 'isAnonymous'>

/** What the bucket is entered with: exactly what the integration says, and nothing of this machine's. */
function loginOf(config: DriverConfig, context: SpecContext): Login {
  const { settings, credentials, integration } = context
  if (integration === null) return { isAnonymous: true }
  const { orgId, trust } = integration
  if (integration.type === 'aws-sts')
    return { role: scoped(assumedRoleLogin(settings, orgId, credentials), config, context) }
  if (integration.type === 'aws-cross') {
    const roleArn = credentials?.get('roleArn')?.reveal()
    const login = roleArn === undefined ? null : crossAccountLogin(settings, { orgId, roleArn })
    if (login === null || trust?.externalId === undefined || trust.status !== 'trust-established')
      throw new AppError('integration.not_trusted')
    return { role: { ...scoped(login, config, context), externalId: trust.externalId } }
  }
  const key = credentials?.get('key')
  const secret = credentials?.get('secret')
  if (key === undefined || secret === undefined) {
    throw new AppError('integration.invalid', {
      message: 'The integration has no access key; enter key and secret again.',
    })
  }
  return { accessKeyId: key.reveal(), secretAccessKey: secret }
}

/** A role's session that reaches this driver's bucket and folder only. */
function scoped(login: RoleLogin, config: DriverConfig, context: SpecContext): RoleLogin {
  const { folder, allowDelete, settings } = context
  const policy = sessionPolicy({
    partition: login.roleArns[0]?.split(':')[1] ?? 'aws',
    bucket: String(config.bucketName),
    folder,
    mayWrite: config.readOnly !== true,
    mayDelete: allowDelete,
    isAws: settings.awsStsEndpoint === null,
  })
  return { ...login, policy }
}

function probedOf({ write_if_absent, remove_if_match }: Capabilities) {
  return { write_if_absent, remove_if_match }
}

/** Host of the storage that the operator says knows roles; null for AWS alone. */
function roleHost({ awsStsEndpoint }: Config): string | null {
  return awsStsEndpoint === null ? null : new URL(awsStsEndpoint).host
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
