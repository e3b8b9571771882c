import { accountKeyProblem, accountProblem, connectionStringProblem, sasProblem, tenantProblem } from './azure-login.ts'
import {
  arnProblem,
  arnsProblem,
  emailProblem,
  externalAccountProblem,
  type OptionCheck,
  serviceAccountProblem,
} from './option-checks.ts'
import { registryIssues } from './registry.ts'

/** One thing a person types in to make an integration; forms are rendered from it (IN-13). */
export interface IntegrationOption {
  readonly name: string
  readonly label: string
  /** `json`: the text of a JSON file, imported as a file. `object`: a nested value. */
  readonly type: 'string' | 'json' | 'object'
  readonly required: boolean
  /** Whether a form hides it while it is typed. All options are sealed and none is ever given back. */
  readonly secret: boolean
  /** Another name by which scripts send it: the SDK’s own help has both. */
  readonly alias?: string
  /** Any text, with line breaks and white space around: it is the user's own, and no provider's. */
  readonly isVerbatim?: true
  /** What else must be true of it. */
  readonly check?: OptionCheck
}

/** One kind of integration, as data: the form, the checks and the choice of storage drivers follow from it. */
export interface IntegrationType {
  readonly type: string
  readonly label: string
  /** Whose icon is shown; drivers move between integrations of one provider only. */
  readonly provider: 'aws' | 'gcp' | 'azure' | 'registry' | 'sluice'
  readonly options: readonly IntegrationOption[]
  /** Kinds of storage driver it can back. */
  readonly driverTypes: readonly string[]
  /** False: made, listed and kept sealed, but its check answers that this version cannot use it yet. */
  readonly supported: boolean
  /** Made without options; they are given once the other account trusts us (IN-14). */
  readonly trust?: 'aws' | 'gcp'
  /** Names a caller's metadata may have, and the text when it has others; left out: any. */
  readonly metadata?: { readonly names: readonly string[]; readonly complaint: string }
  /** What must be true of the options together; the fields' places begin with `at`. */
  readonly issues?: typeof registryIssues
}

const text = (name: string, label: string, check?: OptionCheck): IntegrationOption => ({
  name,
  label,
  type: 'string',
  required: true,
  secret: false,
  ...(check && { check }),
})
const hidden = (name: string, label: string): IntegrationOption => ({ ...text(name, label), secret: true })
const json = (name: string, label: string, check: OptionCheck): IntegrationOption => ({
  ...text(name, label, check),
  type: 'json',
  secret: true,
})
const optional = (option: IntegrationOption): IntegrationOption => ({ ...option, required: false })

const accessKey = [text('key', 'Access key ID'), hidden('secret', 'Secret access key')]
const gcsDrivers = ['gcs', 'faasProxy']
const azureDrivers = ['azureblob', 'azureDatalakeGen2']
const account = text('key', 'Storage account name', accountProblem)
const application = [
  text('clientId', 'Application (client) ID'),
  text('tenantId', 'Directory (tenant) ID', tenantProblem),
]

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
    driverTypes: ['s3', 'powerscaleS3', 'powerscaleNfs', 'faasProxy'],
    supported: true,
  },
  {
    type: 'aws-sts',
    label: 'AWS assumed role (STS)',
    provider: 'aws',
    options: [...accessKey, text('roleArns', 'Role ARNs', arnsProblem)],
    driverTypes: ['s3', 'faasProxy'],
    supported: true,
  },
  {
    type: 'aws-cross',
    label: 'AWS cross-account role',
    provider: 'aws',
    options: [{ ...text('roleArn', 'Role ARN', arnProblem), alias: 'roleArns' }],
    driverTypes: ['s3', 'faasProxy'],
    supported: true,
    trust: 'aws',
  },
  {
    type: 'gcs',
    label: 'Google Cloud service-account key',
    provider: 'gcp',
    options: [
      optional(text('key', 'Key')),
      optional(hidden('secret', 'Secret')),
      json('content', 'Service-account JSON', serviceAccountProblem),
    ],
    driverTypes: gcsDrivers,
    supported: true,
  },
  {
    type: 'gcp-cross',
    label: 'Google Cloud cross-project',
    provider: 'gcp',
    options: [text('email', 'Service-account e-mail', emailProblem), text('resourceName', 'Resource name')],
    driverTypes: gcsDrivers,
    supported: true,
    trust: 'gcp',
    metadata: { names: [], complaint: 'Invalid input specified' },
  },
  {
    type: 'gcp-workload-identity-federation',
    label: 'Google Cloud workload identity federation',
    provider: 'gcp',
    options: [
      hidden('secret', 'Secret'),
      json('content', 'External-account JSON', externalAccountProblem),
      text('clientId', 'Client ID'),
    ],
    driverTypes: gcsDrivers,
    supported: true,
  },
  {
    type: 'azureblob',
    label: 'Azure client secret',
    provider: 'azure',
    options: [account, hidden('secret', 'Client secret'), ...application],
    driverTypes: [...azureDrivers, 'faasProxy'],
    supported: true,
  },
  {
    type: 'azure-account-key',
    label: 'Azure storage account key',
    provider: 'azure',
    options: [account, { ...hidden('secret', 'Account key'), check: accountKeyProblem }],
    driverTypes: azureDrivers,
    supported: true,
  },
  {
    type: 'azure-sas',
    label: 'Azure shared access signature',
    provider: 'azure',
    options: [account, { ...hidden('secret', 'Shared access signature'), check: sasProblem }],
    driverTypes: azureDrivers,
    supported: true,
  },
  {
    type: 'azure-connection-string',
    label: 'Azure connection string',
    provider: 'azure',
    options: [{ ...hidden('connectionString', 'Connection string'), check: connectionStringProblem }],
    driverTypes: azureDrivers,
    supported: true,
  },
  {
    type: 'azure-workload-identity-federation',
    label: 'Azure federated credential',
    provider: 'azure',
    options: [account, ...application],
    driverTypes: azureDrivers,
    supported: true,
  },
  {
    type: 'azure-managed-identity',
    label: 'Azure managed identity of this server',
    provider: 'azure',
    options: [account, optional(text('clientId', 'Client ID of the identity'))],
    driverTypes: azureDrivers,
    supported: true,
  },
  {
    type: 'key_value',
    label: 'Named secret',
    provider: 'sluice',
    options: [text('key', 'Name'), { ...hidden('value', 'Value'), isVerbatim: true }],
    driverTypes: [],
    supported: true,
    metadata: { names: ['provider', 'ref'], complaint: 'Invalid metadata fields for key-value integration' },
  },
  {
    type: 'private-registry',
    label: 'Private container registry',
    provider: 'registry',
    options: [text('name', 'User'), { ...hidden('spec', 'Credentials'), type: 'object' }],
    driverTypes: ['registry'],
    supported: true,
    issues: registryIssues,
  },
]

/** The description of a kind of integration; undefined when there is none of this name. */
export function integrationType(type: string): IntegrationType | undefined {
  return integrationTypes.find((known) => known.type === type)
}
