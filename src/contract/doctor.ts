import { z } from 'zod'
import { checkErrors } from './check-errors.ts'
import { DriverPayload, DriverProbe } from './drivers.ts'
import { id, isoTime } from './fields.ts'
import { route } from './route.ts'

const params = z.object({ driverId: id('storage driver') })

/** A driver as it is described before it is made; its integration need not be made either. */
const Draft = z.object({
  name: z.string().max(255).nullish(),
  type: z.string().max(100),
  integrationId: id('integration').nullish(),
  integrationType: z.string().max(100).nullish(),
  metadata: z.object({ system: z.object({ projectId: id('project') }) }),
  payload: DriverPayload,
  allowExternalDelete: z.boolean().nullish(),
})

const abortUploads = 'Add the right to give up failed uploads in parts (s3:AbortMultipartUpload).'
const kmsKey = z
  .string()
  .regex(/^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/, 'Give the key’s ARN.')
  .optional()
  .describe('ARN of the key that the bucket is encrypted with, where that is the account’s own.')

/** The documents that give one driver its rights. */
export const Policies = z.object({
  documents: z.array(
    z.object({
      name: z.string().describe('What it is to the provider: user-policy, trust-policy, custom-role, cors, …'),
      use: z.string().describe('What to do with it.'),
      document: z.unknown(),
    }),
  ),
  terraform: z.string().describe('The same as Terraform text; empty where there is nothing to set up that way.'),
  notes: z.array(z.string()),
})

/** What a storage can do with the driver's credentials, as it was tried. */
const Abilities = z.object({
  listsBelowFolder: z
    .boolean()
    .describe('Folders inside the driver’s may be listed by themselves; a folder-limited policy can deny it.'),
  readsParts: z.boolean(),
  writes: z.boolean(),
  writesIfAbsent: z.boolean(),
  removesIfUnchanged: z.boolean().describe('A file is removed only if it still is what was looked at.'),
  signsAddresses: z.boolean(),
})

/** Everything found out about a driver, whether it is usable or not. */
export const Diagnosis = z.object({
  ok: z.boolean().describe('Whether the driver is usable.'),
  code: z.string().nullable().describe('What to tell first; null when it is usable.'),
  message: z.string().nullable(),
  probes: z.array(DriverProbe),
  warnings: z.array(z.string()),
  region: z.string().nullable().describe('The region to set instead, as the storage told it.'),
  clockAheadSeconds: z
    .int()
    .nullable()
    .describe('How far this server’s clock is ahead of the storage’s; less than 0: behind.'),
  cors: z
    .object({
      ok: z.boolean(),
      missing: z.array(z.string()),
      origin: z.string().describe('Where the pages come from that want to read files.'),
      rule: z.unknown().describe('The rule to set, in the provider’s own form.'),
    })
    .nullable()
    .describe(
      'Whether pages of the console may read files by signed addresses, as the server sees it; null where it could not be tried.',
    ),
  abilities: Abilities.nullable(),
})

/** What only a browser can try: to fetch a file of the bucket by a signed address. */
export const BrowserTrial = z.object({
  url: z.string().describe('To be fetched with GET, from the page itself.'),
  headers: z.record(z.string(), z.string()).describe('To be sent with it, and no others.'),
  expiresAt: isoTime,
  expect: z.object({
    status: z.int(),
    text: z.string().describe('The whole answer.'),
    headers: z.array(z.string()).describe('Names of headers that the page must be able to read.'),
  }),
  rule: z.unknown().describe('The rule to set in the bucket when the page gets no answer, in the provider’s own form.'),
})

/** What connecting a bucket takes: the rights to grant, and what is missing of them. */
export const doctorRoutes = {
  draftPolicies: route({
    method: 'POST',
    path: '/drivers/policies',
    tag: 'Storage drivers',
    summary:
      'Writes the least policies that a storage driver needs, with bucket, folder and the choice to delete filled in. Nothing is connected or stored.',
    access: { scope: 'project', role: 'engineer', of: (request) => request.body.metadata.system.projectId },
    body: Draft.extend({ abortUploads: z.boolean().optional().describe(abortUploads), kmsKey }),
    response: Policies,
    errors: ['project.not_found', 'driver.invalid', 'driver.not_supported', 'integration.not_found'],
  }),
  driverPolicies: route({
    method: 'GET',
    path: '/drivers/:driverId/policies',
    tag: 'Storage drivers',
    summary: 'Writes the least policies that a saved storage driver needs.',
    access: { scope: 'driver', role: 'engineer', of: (request) => request.params.driverId },
    params,
    query: z.object({ abortUploads: z.enum(['true', 'false']).optional().describe(abortUploads), kmsKey }),
    response: Policies,
    errors: ['driver.not_found', 'driver.not_supported'],
  }),
  examineDraft: route({
    method: 'POST',
    path: '/drivers/doctor',
    tag: 'Storage drivers',
    summary:
      'Examines a storage driver that is not saved: every right really tried, each with what to set right, and clocks, region and CORS. Answers 200 also where it is not usable; nothing is stored.',
    access: { scope: 'project', role: 'engineer', of: (request) => request.body.metadata.system.projectId },
    body: Draft,
    response: Diagnosis,
    errors: ['project.not_found', 'driver.invalid', 'integration.not_found', 'integration.not_trusted'],
  }),
  examineDriver: route({
    method: 'POST',
    path: '/drivers/:driverId/doctor',
    tag: 'Storage drivers',
    summary:
      'Examines a saved storage driver, and keeps the outcome of its test. Answers 200 also where it is not usable.',
    access: { scope: 'driver', role: 'engineer', of: (request) => request.params.driverId },
    params,
    response: Diagnosis,
    errors: ['driver.not_found', 'dataset.disconnected'],
  }),
  prepareBrowserTrial: route({
    method: 'POST',
    path: '/drivers/:driverId/browserTest',
    tag: 'Storage drivers',
    summary: 'Writes the test file and signs an address for it, so that a page can try by itself what it may read.',
    access: { scope: 'driver', role: 'engineer', of: (request) => request.params.driverId },
    params,
    response: BrowserTrial,
    errors: ['driver.not_found', 'dataset.disconnected', 'driver.read_only', 'storage.unsupported', ...checkErrors],
  }),
}
