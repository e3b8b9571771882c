import { z } from 'zod'
import { DriverPayload } from './drivers.ts'
import { id } from './fields.ts'
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
}
