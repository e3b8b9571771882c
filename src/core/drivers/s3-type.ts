import { BlockList, isIP } from 'node:net'
import type { DriverPayload } from '#contract/drivers.ts'
import type { Credentials, FieldIssue } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import type { StorageSpec } from '#storage/open.ts'
import { compact, matchingField, textField } from './payload.ts'
import type { DriverConfig, DriverType } from './types.ts'

/** S3 and everything that speaks it: AWS, or an endpoint of MinIO, Ceph and the like. */
export const s3Type: DriverType = {
  type: 's3',
  integrationTypes: ['s3'],
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

  fingerprint(config): string {
    // AWS bucket names are unique within a partition, whatever the region; elsewhere they are unique to the host.
    const isChina = typeof config.region === 'string' && config.region.startsWith('cn-')
    const aws = isChina ? 'amazonaws.com.cn' : 'amazonaws.com'
    const host = typeof config.endpoint === 'string' ? new URL(config.endpoint).host : aws
    return `s3|${/\.amazonaws\.com(\.cn)?$/.test(host) ? aws : host}|${String(config.bucketName)}`
  },

  spec(config, credentials: Credentials | null): StorageSpec {
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

// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
const awsName = /^(?=.{3,63}$)(?!.*\.\.)[a-z0-9][a-z0-9.-]*[a-z0-9]$/
// Other services take what S3 took in its first years: capitals and underscores, up to 255 characters.
const otherName = /^(?=.{3,255}$)(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]$/

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
  if (!(hasEndpoint ? otherName : awsName).test(name)) {
    return hasEndpoint
      ? 'A bucket’s name has 3 to 255 letters, digits, dots, hyphens and underscores, and starts and ends with a letter or digit.'
      : 'A bucket’s name has 3 to 63 small letters, digits, dots and hyphens, and starts and ends with a letter or digit.'
  }
  return null
}

// Addresses where clouds hand their own machines' credentials out; no bucket is there, but an attacker's profit is.
const metadataHosts = new BlockList()
metadataHosts.addSubnet('169.254.0.0', 16, 'ipv4')
metadataHosts.addAddress('168.63.129.16', 'ipv4')
metadataHosts.addAddress('100.100.100.200', 'ipv4')
metadataHosts.addAddress('fd00:ec2::254', 'ipv6')
metadataHosts.addSubnet('fe80::', 10, 'ipv6')

function endpointField(given: string | null | undefined, field: string, issues: FieldIssue[]): string | undefined {
  const text = textField(given)
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : null
  const problem = url === null ? 'Give it as http(s)://host:port.' : endpointProblem(url)
  if (problem === null) return url!.origin
  issues.push({ path: `payload.${field}`, message: problem })
  return undefined
}

function endpointProblem(url: URL): string | null {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'Give it as http(s)://host:port.'
  if (url.username !== '' || url.password !== '')
    return 'Leave user and password out; they belong into the integration.'
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return 'Give host and port only; the bucket’s name and the folder have fields of their own.'
  }
  // The URL parser has already turned every spelling of an IPv4 address (hexadecimal, octal, one number) into the usual one.
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const family = isIP(host)
  const isMetadata =
    (family !== 0 && metadataHosts.check(host, family === 6 ? 'ipv6' : 'ipv4')) ||
    /^metadata(\.google\.internal)?$/.test(host)
  return isMetadata ? 'This address belongs to the cloud’s own machines; there is no bucket.' : null
}
