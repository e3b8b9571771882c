import { z } from 'zod'
import { checkErrors } from './check-errors.ts'
import { Command } from './commands.ts'
import { displayName, id, isoTime } from './fields.ts'
import { route } from './route.ts'

const params = z.object({ driverId: id('storage driver') })
const validate = z
  .enum(['true', 'false'])
  .optional()
  .describe(
    '“false” saves without trying the storage; the driver then cannot be chosen for a dataset until a test passes.',
  )

const line = z.string().max(4096)

/** Where a storage driver leads; which fields count depends on its type. Null and left out mean the same. */
export const DriverPayload = z.looseObject({
  bucketName: line.nullish().describe('s3, powerscaleS3: the bucket’s name, not an address.'),
  bucket: line.nullish().describe('gcs, faasProxy: the bucket’s name, not an address.'),
  containerName: line.nullish().describe('azureblob, azureDatalakeGen2: the container’s name, not an address.'),
  region: line.nullish().describe('s3: for example eu-central-1. gcs: kept, Google needs none.'),
  path: line.nullish().describe('The folder; empty for everything. Case-sensitive, never a single file.'),
  endpoint: line
    .nullish()
    .describe('s3, gcs: http(s)://host:port of another storage that speaks like it; empty for AWS’s and Google’s own.'),
  browserEndpoint: line.nullish().describe('s3: the endpoint as browsers reach it, when that is another.'),
  pathStyle: z
    .boolean()
    .nullish()
    .describe('s3: whether the bucket stands in the path; chosen by itself unless given.'),
  storageClass: line.nullish().describe('s3, gcs: storage class of what is uploaded.'),
  rootPath: line.nullish().describe('local: a folder on the server that the operator opened (SLUICE_LOCAL_ROOTS).'),
  server: line.nullish().describe('registry: the registry’s host, with its port where it has one.'),
  repositories: line
    .nullish()
    .describe('registry: the repositories to take, separated by commas; all that the registry lists where left out.'),
  watch: z
    .boolean()
    .nullish()
    .describe('local: whether changes in the folder reach its datasets by themselves, once they were synced.'),
  elasticIndex: line.nullish().describe('powerscaleS3, powerscaleNfs: the elastic index.'),
  elasticIndexPath: line.nullish().describe('powerscaleS3, powerscaleNfs: the path in the elastic index.'),
  computeId: line.nullish().describe('computeCluster: the compute’s id.'),
  computeStorageName: line.nullish().describe('computeCluster: the storage’s name there.'),
  public: z.boolean().nullish().describe('computeCluster: whether others may use it.'),
  proxy: z.boolean().nullish().describe('Whether files are streamed through this server instead of from the storage.'),
  readOnly: z
    .boolean()
    .nullish()
    .describe(
      'Nothing is written to the storage, not even the test file; uploads and removals there are refused. A public S3 bucket needs it and no integration.',
    ),
})
export type DriverPayload = z.output<typeof DriverPayload>

/** One right as it was really tried. */
export const DriverProbe = z.object({
  name: z.enum(['list', 'write', 'read', 'range', 'sign', 'delete']),
  ok: z.boolean(),
  optional: z.boolean().describe('True where its failure does not make the driver unusable.'),
  code: z.string().optional(),
  message: z.string().optional(),
  remedy: z.string().optional().describe('What to set right, and where.'),
  region: z.string().optional().describe('The region to use instead, as the storage told it.'),
})

/** A storage driver; its payload’s fields stand beside the others. */
export const Driver = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  creator: z.string().describe('E-mail address.'),
  createdAt: isoTime,
  updatedAt: isoTime,
  url: z.string(),
  integrationId: z.string().nullable(),
  integrationType: z.string().nullable(),
  metadata: z.object({ system: z.object({ projectId: z.string(), orgId: z.string() }) }),
  allowExternalDelete: z.boolean().describe('Whether deleting an item may delete its file.'),
  allowExternalModification: z.boolean(),
  isSyncable: z.boolean(),
  path: z.string().describe('The folder as it was typed.'),
  folder: z.string().describe('The folder as it is matched: empty, or with a slash at the end.'),
  bucketName: z.string().optional(),
  bucket: z.string().optional(),
  containerName: z.string().optional(),
  elasticIndex: z.string().optional(),
  elasticIndexPath: z.string().optional(),
  computeId: z.string().optional(),
  computeStorageName: z.string().optional(),
  public: z.boolean().optional(),
  payload: z
    .object({ computeId: z.string(), computeStorageName: z.string(), public: z.boolean() })
    .optional()
    .describe('computeCluster only: the same once more, where the SDK reads it.'),
  region: z.string().nullish(),
  storageClass: z.string().optional(),
  endpoint: z.string().optional(),
  browserEndpoint: z.string().optional(),
  pathStyle: z.boolean().optional(),
  rootPath: z.string().optional(),
  server: z.string().optional(),
  repositories: z.string().optional(),
  proxy: z.boolean().optional(),
  watch: z.boolean().optional(),
  readOnly: z.boolean().optional(),
  state: z
    .enum(['ready', 'failed', 'disconnected', 'unsupported'])
    .describe('unsupported: it is kept, but this version of the server cannot reach its storage yet.'),
  stateReason: z.string().nullable(),
  checkedAt: isoTime.nullable(),
  probes: z.array(DriverProbe),
  warnings: z.array(z.string()),
  datasetsCount: z.int(),
})
export type Driver = z.output<typeof Driver>

/** A type of driver that a module of the operator's brings. */
export const ModuleType = z.object({
  type: z.string().describe('What a driver of it has as its type.'),
  label: z.string(),
  integrationTypes: z.array(z.string()).describe('Kinds of integration it takes; none: it needs none.'),
  isIntegrationRequired: z.boolean(),
  fields: z
    .array(
      z.object({ name: z.string(), label: z.string(), type: z.enum(['string', 'boolean']), required: z.boolean() }),
    )
    .describe('Fields of the payload, besides its path.'),
})

const NewDriver = z.object({
  name: displayName,
  type: z.string().max(100),
  integrationId: id('integration').nullish(),
  integrationType: z.string().max(100).nullish(),
  metadata: z.object({ system: z.object({ projectId: id('project'), orgId: id('organization').nullish() }) }),
  payload: DriverPayload,
  allowExternalDelete: z.boolean().nullish().describe('False unless said.'),
  validate: z.boolean().optional().describe('The same as the query’s.'),
})

const describeErrors = ['driver.invalid', 'integration.not_found', 'integration.not_trusted', ...checkErrors] as const

/** Buckets and folders, connected to projects. */
export const driverRoutes = {
  createDriver: route({
    method: 'POST',
    path: '/drivers',
    tag: 'Storage drivers',
    summary: 'Connects a bucket or folder to a project, after really trying every right it needs.',
    access: { scope: 'project', role: 'engineer', of: (request) => request.body.metadata.system.projectId },
    query: z.object({ validate }),
    body: NewDriver,
    response: Driver,
    errors: ['project.not_found', ...describeErrors],
  }),
  testNewDriver: route({
    method: 'POST',
    path: '/drivers/test',
    tag: 'Storage drivers',
    summary: 'Tries every right of a driver that is not saved yet; answers nothing on success and stores nothing.',
    access: { scope: 'project', role: 'engineer', of: (request) => request.body.metadata.system.projectId },
    body: NewDriver.extend({ name: z.string().max(255).nullish() }),
    errors: ['project.not_found', ...describeErrors],
  }),
  listDrivers: route({
    method: 'GET',
    path: '/drivers',
    tag: 'Storage drivers',
    summary: 'Lists the storage drivers of a project, or those of one integration or name among them.',
    access: { scope: 'project', role: 'engineer', of: (request) => request.query.projectId },
    query: z.object({
      projectId: id('project'),
      integrationId: id('integration').optional(),
      name: z.string().optional().describe('Exactly this name; names are not unique.'),
    }),
    response: z.array(Driver),
    errors: ['project.not_found'],
  }),
  listModuleTypes: route({
    method: 'GET',
    path: '/drivers/moduleTypes',
    tag: 'Storage drivers',
    summary:
      'Describes the types of storage driver that this server’s operator added, with what a form has to ask for.',
    access: 'user',
    response: z.array(ModuleType),
    errors: [],
  }),
  findDriver: route({
    method: 'GET',
    path: '/drivers/byName/:name',
    tag: 'Storage drivers',
    summary: 'Gets the one storage driver of a project that has this name; refused when several have it.',
    access: { scope: 'project', role: 'engineer', of: (request) => request.query.projectId },
    params: z.object({ name: z.string() }),
    query: z.object({ projectId: id('project') }),
    response: Driver,
    errors: ['project.not_found', 'driver.not_found', 'driver.ambiguous'],
  }),
  countDriversOfIntegration: route({
    method: 'GET',
    path: '/drivers/byIntegration/:integrationId',
    tag: 'Storage drivers',
    summary: 'Tells which storage drivers use an integration; for members of its organization.',
    access: 'user',
    params: z.object({ integrationId: id('integration') }),
    response: z.object({
      count: z.int(),
      drivers: z.array(
        z.object({ driverId: z.string(), driverName: z.string(), projectId: z.string(), projectName: z.string() }),
      ),
    }),
    errors: ['integration.not_found'],
  }),
  getDriver: route({
    method: 'GET',
    path: '/drivers/:driverId',
    tag: 'Storage drivers',
    summary: 'Gets a storage driver.',
    access: { scope: 'driver', role: 'engineer', of: (request) => request.params.driverId },
    params,
    response: Driver,
    errors: ['driver.not_found'],
  }),
  updateDriver: route({
    method: 'PATCH',
    path: '/drivers/:driverId',
    tag: 'Storage drivers',
    summary:
      'Changes what is given. Bucket and folder stay while datasets use the driver; a new integration connects it again.',
    access: { scope: 'driver', role: 'engineer', of: (request) => request.params.driverId },
    params,
    query: z.object({ validate }),
    body: z.object({
      name: displayName.optional(),
      integrationId: id('integration').optional(),
      payload: DriverPayload.optional(),
      allowExternalDelete: z.boolean().optional(),
      validate: z.boolean().optional().describe('The same as the query’s.'),
    }),
    response: Driver,
    errors: ['driver.not_found', 'driver.in_use', 'driver.changed', ...describeErrors],
  }),
  deleteDriver: route({
    method: 'DELETE',
    path: '/drivers/:driverId',
    tag: 'Storage drivers',
    summary: 'Deletes a storage driver that no dataset uses. Nothing is deleted in the bucket.',
    access: { scope: 'driver', role: 'engineer', of: (request) => request.params.driverId },
    params,
    response: z.object({ id: z.string() }),
    errors: ['driver.not_found', 'driver.in_use'],
  }),
  groupDrivers: route({
    method: 'GET',
    path: '/drivers/byProvider',
    tag: 'Storage drivers',
    summary: 'Lists the storage drivers of a project, grouped by whose storage they reach.',
    access: { scope: 'project', role: 'engineer', of: (request) => request.query.projectId },
    query: z.object({ projectId: id('project') }),
    response: z.record(z.string(), z.array(Driver)).describe('By provider: aws, gcp, azure, …'),
    errors: ['project.not_found'],
  }),
  migrateIntegration: route({
    method: 'POST',
    path: '/drivers/migrate-integration',
    tag: 'Storage drivers',
    summary:
      'Moves storage drivers to another integration of the same provider, all or none, after trying each; for owners and admins of the organization.',
    access: 'user',
    body: z.object({
      integrationId: id('integration').describe('Id of the integration they use now.'),
      newIntegrationId: id('integration').describe('Id of the integration they are to use.'),
      driverIds: z.array(id('storage driver')).max(1000).optional().describe('Which; all that use it where left out.'),
    }),
    response: z.object({ count: z.int(), driverIds: z.array(z.string()) }),
    errors: ['access.forbidden', 'integration.invalid', 'driver.not_found', 'driver.changed', ...describeErrors],
  }),
  validateDrivers: route({
    method: 'POST',
    path: '/drivers/validateDrivers',
    tag: 'Storage drivers',
    summary:
      'Tries every storage driver of an integration in the background; the command tells of each. For owners and admins of the organization.',
    access: 'user',
    body: z.object({ integrationId: id('integration') }),
    response: Command,
    errors: ['access.forbidden', 'integration.not_found'],
  }),
  testDriver: route({
    method: 'GET',
    path: '/drivers/:driverId/test',
    tag: 'Storage drivers',
    summary:
      'Tries every right of a saved driver again; answers nothing on success. The outcome is kept with the driver.',
    access: { scope: 'driver', role: 'engineer', of: (request) => request.params.driverId },
    params,
    errors: ['driver.not_found', 'dataset.disconnected', ...checkErrors],
  }),
}
