import type { DriverPayload } from '#contract/drivers.ts'
import type { FieldIssue } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import { googleTypes } from './gcs-type.ts'
import { compact, endpointField, matchingField, textField } from './payload.ts'
import { otherBucketName } from './s3-type.ts'
import type { DriverConfig, DriverType } from './types.ts'

/** Drivers whose description is checked and kept, while this version does not reach their storage: their check says so, and nothing of them is synced. */
interface KeptType extends Pick<DriverType, 'type' | 'provider' | 'integrationTypes' | 'isIntegrationOptional'> {
  readonly fields: readonly Field[]
  /** Fields that name the storage; the first of them stands in the fingerprint. */
  readonly place: readonly string[]
}

type FieldName =
  | 'bucket'
  | 'bucketName'
  | 'endpoint'
  | 'region'
  | 'storageClass'
  | 'elasticIndex'
  | 'elasticIndexPath'
  | 'computeId'
  | 'computeStorageName'

/** A text of a payload. `wanted` is told when it lacks or does not match. */
interface Field {
  readonly name: FieldName
  readonly required: boolean
  readonly pattern: RegExp
  readonly wanted: string
}

const plainText = /^[^\p{Cc}]{1,4096}$/u

const required = (name: Field['name'], wanted: string, pattern: RegExp = plainText): Field => ({
  name,
  required: true,
  pattern,
  wanted,
})
const region: Field = {
  name: 'region',
  required: false,
  pattern: /^[A-Za-z0-9_-]{1,64}$/,
  wanted: 'Give a region’s name, such as europe-west3.',
}
const storageClass: Field = {
  name: 'storageClass',
  required: false,
  pattern: /^[A-Za-z0-9_-]{1,64}$/,
  wanted: 'Give a storage class, such as NEARLINE.',
}
const anyBucket = required('bucket', 'Give the bucket’s name only, not an address.', otherBucketName)
const elastic = [
  required('elasticIndex', 'The elastic index is required.'),
  required('elasticIndexPath', 'The path in the elastic index is required.'),
]

const table: readonly KeptType[] = [
  {
    type: 'faasProxy',
    provider: 'faas',
    integrationTypes: ['s3', 'aws-sts', 'aws-cross', ...googleTypes, 'azureblob'],
    fields: [anyBucket, region, storageClass],
    place: ['bucket'],
  },
  {
    type: 'powerscaleS3',
    provider: 'powerscale',
    integrationTypes: ['s3'],
    fields: [
      required('bucketName', 'Give the bucket’s name only, not an address.', otherBucketName),
      required('endpoint', 'Give it as http(s)://host:port.'),
      ...elastic,
      region,
    ],
    place: ['bucketName', 'endpoint', 'elasticIndex', 'elasticIndexPath'],
  },
  {
    type: 'powerscaleNfs',
    provider: 'powerscale',
    integrationTypes: ['s3'],
    isIntegrationOptional: () => true,
    fields: elastic,
    place: ['elasticIndex', 'elasticIndexPath'],
  },
  {
    type: 'computeCluster',
    provider: 'compute',
    integrationTypes: null,
    fields: [
      required('computeId', 'The id of the compute is required.'),
      required('computeStorageName', 'The name of the compute’s storage is required.'),
    ],
    place: ['computeId', 'computeStorageName'],
  },
]

/** The types of the table as the core sees them. */
export const keptTypes: readonly DriverType[] = table.map(toType)

function toType({ fields, place, ...type }: KeptType): DriverType {
  return {
    ...type,
    opensWith: [],
    placeFields: [...place, 'path'],
    check: (payload, issues) => checkFields(type.type, fields, payload, issues),
    // Without the account, which stands sealed in the integration, the integration is the best that is known of whose storage this is.
    fingerprint: (config, integrationId) =>
      [type.type, integrationId ?? '', ...place.map((field) => String(config[field]))].join('|'),
    spec() {
      throw new AppError('driver.not_supported')
    },
  }
}

function checkFields(
  type: string,
  fields: readonly Field[],
  payload: DriverPayload,
  issues: FieldIssue[],
): DriverConfig {
  const config: Record<string, string | boolean | undefined> = {}
  for (const { name, required, pattern, wanted } of fields) {
    const given = payload[name]
    if (required && textField(given) === undefined) issues.push({ path: `payload.${name}`, message: wanted })
    else if (name === 'endpoint') config.endpoint = endpointField(given, name, issues)
    else config[name] = matchingField(given, { path: name, pattern, message: wanted }, issues)
  }
  config.path = textField(payload.path)
  if (type === 'computeCluster') config.public = payload.public ?? false
  return compact(config)
}
