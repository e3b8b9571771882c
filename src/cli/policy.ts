import { describePolicies, type PolicySet, policiesOf } from '#core/drivers/drivers.ts'

/** What `sluice policy` is asked with; names as they stand on the command line. */
export interface PolicyOptions {
  readonly type: string
  readonly bucket?: string
  readonly folder?: string
  readonly region?: string
  readonly delete?: boolean
  readonly readOnly?: boolean
  readonly login?: string
  readonly origin: string
  readonly abortUploads?: boolean
  readonly kmsKey?: string
  readonly document?: string
  readonly terraform?: boolean
}

/** Where each type of driver has its bucket's name. */
const bucketFields: Readonly<Record<string, string>> = {
  s3: 'bucketName',
  gcs: 'bucket',
  azureblob: 'containerName',
  azureDatalakeGen2: 'containerName',
  local: 'rootPath',
  registry: 'server',
}

/**
 * Writes the least policies for a driver, without a server: as JSON, one document of them, or as Terraform text. For `sluice policy`; notes are for people
 * and belong on the error output. Throws `AppError` (`driver.invalid`, `driver.not_supported`) and `RangeError` for a document that there is not.
 */
export function writePolicies(options: PolicyOptions): { readonly text: string; readonly notes: readonly string[] } {
  const { type, bucket, folder, region, readOnly, login, origin, kmsKey } = options
  const payload = { [bucketFields[type] ?? 'bucketName']: bucket, path: folder, region, readOnly }
  const described = describePolicies({
    type,
    integrationType: login ?? null,
    payload,
    allowDelete: options.delete ?? false,
  })
  const choice = { origin, abortUploads: options.abortUploads ?? false, kmsKeyArn: kmsKey }
  const set = policiesOf({ ...described, trust: null }, choice)
  return { text: textOf(set, options), notes: set.notes }
}

function textOf({ documents, terraform }: PolicySet, options: PolicyOptions): string {
  if (options.terraform === true) return terraform
  if (options.document === undefined) return `${JSON.stringify(documents, null, 2)}\n`
  const found = documents.find(({ name }) => name === options.document)
  if (found !== undefined) return `${JSON.stringify(found.document, null, 2)}\n`
  const names = documents.map(({ name }) => name).join(', ')
  throw new RangeError(`There is no such document; there are: ${names || 'none'}.`)
}
