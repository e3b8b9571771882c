import { resolve } from 'node:path'
import { z } from 'zod'
import { Secret } from '#lib/secret.ts'
import { type AwsIdentity, awsIdentityOf, awsVariables } from './aws-identity.ts'
import { type AzureIdentity, azureIdentityOf, azureVariables } from './azure-identity.ts'
import { type EgressRule, isLoopbackHost, loopbackRules, parseEgressRules } from './egress-rules.ts'
import { type GcpIdentity, gcpIdentityOf, gcpVariables } from './gcp-identity.ts'
import { parseRegistryRealms, type RegistryRealm } from './registry-realms.ts'

const flag = z.enum(['0', '1', 'false', 'true']).transform((text) => text === '1' || text === 'true')

/** Every environment variable Sluice reads; the table in the README is checked against it. */
export const variables = z.object({
  SLUICE_HOST: z.string().default('127.0.0.1').describe('Address to listen on.'),
  SLUICE_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(7070)
    .describe('Port to listen on; 0 takes a free one.'),
  SLUICE_PUBLIC_URL: z
    .url()
    .optional()
    .describe('Address people reach the server at, when it is not http://host:port.'),
  SLUICE_DATA_DIR: z.string().default('./data').describe('Folder for the embedded database and generated keys.'),
  DATABASE_URL: z.string().optional().describe('An existing PostgreSQL (15 or newer) instead of the embedded one.'),
  SLUICE_OWNER_EMAIL: z.email().optional().describe('E-mail address of the first owner.'),
  SLUICE_OWNER_PASSWORD: z.string().min(8).optional().describe('Password of the first owner, 8 characters or more.'),
  SLUICE_ORG_NAME: z.string().min(1).optional().describe('Name of the first organization.'),
  SLUICE_MASTER_KEY: z
    .string()
    .optional()
    .describe('Key that seals the vault: 32 bytes in base64. Without it one is generated in the data folder.'),
  SLUICE_LOCAL_ROOTS: z
    .string()
    .default('')
    .describe('Folders on this server that local-folder drivers may use, separated by “:”.'),
  SLUICE_DRIVERS: z
    .string()
    .default('')
    .describe(
      'Modules that bring storage drivers of their own (docs/drivers.md): full paths of files, separated by “:”.',
    ),
  SLUICE_HIDDEN_FOLDER: z
    .string()
    .regex(/^\.[\w.-]{1,62}$/)
    .default('.dataloop')
    .describe('Name of the hidden folder in buckets.'),
  SLUICE_STORE_BUCKET: z
    .string()
    .min(3)
    .optional()
    .describe('S3 bucket for the platform’s own storage, instead of a folder in the data folder.'),
  SLUICE_STORE_ENDPOINT: z
    .url()
    .optional()
    .describe('Address of an S3-compatible storage that has that bucket; AWS unless set.'),
  SLUICE_STORE_REGION: z.string().min(1).default('us-east-1').describe('Region of that bucket.'),
  SLUICE_STORE_FOLDER: z.string().default('').describe('Folder in that bucket that objects are kept in.'),
  SLUICE_STORE_KEY: z.string().optional().describe('Access key of that bucket.'),
  SLUICE_STORE_SECRET: z.string().optional().describe('Secret of that access key.'),
  SLUICE_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('How much is logged.'),
  SLUICE_LIST_CONNECTIONS: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .default(64)
    .describe('Most listing requests at once of one sync.'),
  SLUICE_DATA_POINTS_MAX: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Data points that an organization made from now on may use, one an item; no limit unless set.'),
  ...awsVariables,
  ...gcpVariables,
  ...azureVariables,
  SLUICE_AWS_CROSS_MAX: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe('AWS cross-account integrations an organization may have; no limit unless set.'),
  SLUICE_GCP_CROSS_MAX: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Google Cloud cross-project integrations an organization may have; no limit unless set.'),
  SLUICE_EGRESS_ALLOW: z
    .string()
    .optional()
    .describe(
      'What storages may be connected to although it is not public: addresses, ranges and names, each with a port or without, separated by commas, or “none”. Unless set, 127.0.0.0/8 and [::1] for a server that only its own machine reaches, otherwise none.',
    ),
  SLUICE_EGRESS_PORTS: z
    .string()
    .regex(/^\d{1,5}(,\d{1,5})*$/, 'Give numbers of ports, separated by commas.')
    .refine(
      (text) => text.split(',').every((port) => Number(port) >= 1 && Number(port) <= 65_535),
      'A port is a number from 1 to 65535.',
    )
    .default('80,443,5000,8080,8443,9000,9020,9021,9443')
    .describe('Ports of public addresses that storages may have.'),
  SLUICE_REGISTRY_REALMS: z
    .string()
    .default('')
    .describe(
      'Token services that container registries may name besides their own host, as registry=service, separated by commas.',
    ),
  SLUICE_EGRESS_HTTP: flag.default(false).describe('Whether storages at public addresses may do without TLS.'),
  SLUICE_RUN_WORKER: flag
    .default(true)
    .describe('Whether `serve` also does the background work; 0 when `sluice work` runs elsewhere.'),
})

/** An S3 bucket as the platform's own storage. */
export interface StoreBucket {
  readonly bucket: string
  readonly endpoint: string | undefined
  readonly region: string
  /** Empty, or a text that ends in a slash. */
  readonly folder: string
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
}

/** The settings of one process, parsed once at start and passed on. */
export interface Config {
  readonly host: string
  readonly port: number
  readonly publicUrl: string | undefined
  readonly dataDir: string
  readonly databaseUrl: string | undefined
  readonly ownerEmail: string | undefined
  readonly ownerPassword: Secret | undefined
  readonly orgName: string | undefined
  readonly masterKey: Secret | undefined
  readonly localRoots: readonly string[]
  /** Files of modules that bring storage drivers; code of this server once they are loaded. */
  readonly driverModules: readonly string[]
  readonly hiddenFolder: string
  readonly logLevel: string
  readonly listConnections: number
  /** Null: no limit. */
  readonly dataPointsMax: number | null
  /** This server's own identities, which other accounts trust; null: none yet. */
  readonly awsPrincipalArn: string | null
  readonly gcpPrincipalEmail: string | null
  /** How this server logs in as its AWS identity; null: not at all. */
  readonly awsIdentity: AwsIdentity | null
  /** Null: AWS's own. */
  readonly awsStsEndpoint: string | null
  readonly gcpIdentity: GcpIdentity
  readonly azureIdentity: AzureIdentity
  /** Cross-account integrations an organization may have; null: no limit. */
  readonly awsCrossMax: number | null
  readonly gcpCrossMax: number | null
  readonly runWorker: boolean
  /** Token services that registries' passwords may be sent to besides the known ones. */
  readonly registryRealms: readonly RegistryRealm[]
  /** Where connections to addresses that tenants give may lead. */
  readonly egress: {
    readonly allow: readonly EgressRule[]
    readonly ports: readonly number[]
    readonly isHttpAllowed: boolean
  }
  /** Where uploads are kept that have no bucket of their own; null: in the data folder. */
  readonly store: StoreBucket | null
}

/** Reads the settings from an environment; throws a `ZodError` whose message names each wrong variable. Empty variables count as absent. */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const v = variables.parse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')))
  return {
    host: v.SLUICE_HOST,
    port: v.SLUICE_PORT,
    publicUrl: v.SLUICE_PUBLIC_URL,
    dataDir: resolve(v.SLUICE_DATA_DIR),
    databaseUrl: v.DATABASE_URL,
    ownerEmail: v.SLUICE_OWNER_EMAIL,
    ownerPassword: v.SLUICE_OWNER_PASSWORD === undefined ? undefined : new Secret(v.SLUICE_OWNER_PASSWORD),
    orgName: v.SLUICE_ORG_NAME,
    masterKey: v.SLUICE_MASTER_KEY === undefined ? undefined : new Secret(v.SLUICE_MASTER_KEY),
    localRoots: v.SLUICE_LOCAL_ROOTS.split(':')
      .filter(Boolean)
      .map((path) => resolve(path)),
    driverModules: v.SLUICE_DRIVERS.split(':').filter(Boolean),
    hiddenFolder: v.SLUICE_HIDDEN_FOLDER,
    logLevel: v.SLUICE_LOG_LEVEL,
    listConnections: v.SLUICE_LIST_CONNECTIONS,
    dataPointsMax: v.SLUICE_DATA_POINTS_MAX ?? null,
    awsPrincipalArn: v.SLUICE_AWS_PRINCIPAL_ARN ?? null,
    awsIdentity: awsIdentityOf(v),
    awsStsEndpoint: v.SLUICE_AWS_STS_ENDPOINT === undefined ? null : new URL(v.SLUICE_AWS_STS_ENDPOINT).origin,
    gcpPrincipalEmail: v.SLUICE_GCP_PRINCIPAL_EMAIL ?? null,
    gcpIdentity: gcpIdentityOf(v),
    azureIdentity: azureIdentityOf(v),
    awsCrossMax: v.SLUICE_AWS_CROSS_MAX ?? null,
    gcpCrossMax: v.SLUICE_GCP_CROSS_MAX ?? null,
    runWorker: v.SLUICE_RUN_WORKER,
    registryRealms: parseRegistryRealms(v.SLUICE_REGISTRY_REALMS),
    egress: {
      allow: egressRulesOf(v),
      ports: v.SLUICE_EGRESS_PORTS.split(',').map(Number),
      isHttpAllowed: v.SLUICE_EGRESS_HTTP,
    },
    store: storeOf(v),
  }
}

/** Whoever reaches a server that only its own machine reaches can connect to that machine without us; a public address means that others come in too. */
function egressRulesOf(v: z.output<typeof variables>): readonly EgressRule[] {
  if (v.SLUICE_EGRESS_ALLOW !== undefined) {
    try {
      return parseEgressRules(v.SLUICE_EGRESS_ALLOW)
    } catch (error) {
      throw new Error(`SLUICE_EGRESS_ALLOW is wrong: ${(error as Error).message}`)
    }
  }
  const isPrivate =
    isLoopbackHost(v.SLUICE_HOST) &&
    (v.SLUICE_PUBLIC_URL === undefined || isLoopbackHost(new URL(v.SLUICE_PUBLIC_URL).hostname))
  return isPrivate ? loopbackRules : []
}

/** The bucket of the platform's own storage: its name and its key come together or not at all. */
function storeOf(v: z.output<typeof variables>): StoreBucket | null {
  const { SLUICE_STORE_BUCKET: bucket, SLUICE_STORE_KEY: accessKeyId, SLUICE_STORE_SECRET: secret } = v
  if (bucket === undefined && accessKeyId === undefined && secret === undefined) return null
  if (bucket === undefined || accessKeyId === undefined || secret === undefined)
    throw new Error('SLUICE_STORE_BUCKET, SLUICE_STORE_KEY and SLUICE_STORE_SECRET have to be set together.')
  const folder = v.SLUICE_STORE_FOLDER
  return {
    bucket,
    endpoint: v.SLUICE_STORE_ENDPOINT,
    region: v.SLUICE_STORE_REGION,
    folder: folder === '' || folder.endsWith('/') ? folder : `${folder}/`,
    accessKeyId,
    secretAccessKey: new Secret(secret),
  }
}
