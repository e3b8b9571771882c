/** One thing a person types in to make an integration; forms are rendered from it (IN-13). */
export interface IntegrationOption {
  readonly name: string
  readonly label: string
  /** `json`: the text of a JSON file, imported as a file. `object`: a nested value. */
  readonly type: 'string' | 'json' | 'object'
  readonly required: boolean
  /** Whether a form hides it while it is typed. All options are sealed and none is ever given back. */
  readonly secret: boolean
}

/** One kind of integration, as data: the form, the checks and the choice of storage drivers follow from it. */
export interface IntegrationType {
  readonly type: string
  readonly label: string
  /** Whose icon is shown. */
  readonly provider: 'aws' | 'gcp' | 'azure' | 'registry' | 'sluice'
  readonly options: readonly IntegrationOption[]
  /** Kinds of storage driver it can back. */
  readonly driverTypes: readonly string[]
  /** False: described, so that forms can show it as coming, but refused on create. */
  readonly supported: boolean
}

const text = (name: string, label: string, required = true): IntegrationOption => ({
  name,
  label,
  type: 'string',
  required,
  secret: false,
})
const hidden = (name: string, label: string, required = true): IntegrationOption => ({
  ...text(name, label, required),
  secret: true,
})
const json = (name: string, label: string): IntegrationOption => ({ ...hidden(name, label), type: 'json' })

const accessKey = [text('key', 'Access key ID'), hidden('secret', 'Secret access key')]

/**
 * Every kind of integration the API knows, in the order forms show them. The names and options are those existing scripts send.
 *
 * Adding one here adds it to the picker; making it work also needs a storage driver that takes it.
 */
export const integrationTypes: readonly IntegrationType[] = [
  {
    type: 's3',
    label: 'AWS or S3-compatible access key',
    provider: 'aws',
    options: accessKey,
    driverTypes: ['s3'],
    supported: true,
  },
  {
    type: 'aws-sts',
    label: 'AWS assumed role (STS)',
    provider: 'aws',
    options: [...accessKey, text('roleArns', 'Role ARNs')],
    driverTypes: ['s3'],
    supported: false,
  },
  {
    type: 'aws-cross',
    label: 'AWS cross-account role',
    provider: 'aws',
    options: [text('roleArn', 'Role ARN', false)],
    driverTypes: ['s3'],
    supported: false,
  },
  {
    type: 'gcs',
    label: 'Google Cloud service-account key',
    provider: 'gcp',
    options: [text('key', 'Key', false), hidden('secret', 'Secret', false), json('content', 'Service-account JSON')],
    driverTypes: ['gcs'],
    supported: false,
  },
  {
    type: 'gcp-cross',
    label: 'Google Cloud cross-project',
    provider: 'gcp',
    options: [text('email', 'Service-account e-mail', false), text('resourceName', 'Resource name', false)],
    driverTypes: ['gcs'],
    supported: false,
  },
  {
    type: 'gcp-workload-identity-federation',
    label: 'Google Cloud workload identity federation',
    provider: 'gcp',
    options: [hidden('secret', 'Secret'), json('content', 'External-account JSON'), text('clientId', 'Client ID')],
    driverTypes: ['gcs'],
    supported: false,
  },
  {
    type: 'azureblob',
    label: 'Azure client secret',
    provider: 'azure',
    options: [
      text('key', 'Storage account name'),
      hidden('secret', 'Client secret'),
      text('clientId', 'Application (client) ID'),
      text('tenantId', 'Directory (tenant) ID'),
    ],
    driverTypes: ['azureblob', 'azureDatalakeGen2'],
    supported: false,
  },
  {
    type: 'key_value',
    label: 'Named secret',
    provider: 'sluice',
    options: [text('key', 'Name'), hidden('value', 'Value')],
    driverTypes: [],
    supported: false,
  },
  {
    type: 'private-registry',
    label: 'Private container registry',
    provider: 'registry',
    options: [text('name', 'User'), { ...hidden('spec', 'Credentials'), type: 'object' }],
    driverTypes: [],
    supported: false,
  },
]

/** The description of a kind of integration; undefined when there is none of this name. */
export function integrationType(type: string): IntegrationType | undefined {
  return integrationTypes.find((known) => known.type === type)
}
