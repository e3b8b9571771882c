import { z } from 'zod'
import { id } from './fields.ts'
import { route } from './route.ts'

const params = z.object({ orgId: id('organization') })

/** Data points of an organization: each item in its datasets uses one, and each annotation of them one, and one more for each further key frame. */
export const DataPoints = z.object({
  used: z
    .int()
    .describe(
      'Items in the datasets of the organization, those that are missing in the storage too, and their annotations; an annotation of a video uses one for each key frame.',
    ),
  max: z.int().nullable().describe('The most that may be used; null: no limit.'),
  free: z.int().nullable().describe('How many can still be added; 0 when more is used than allowed; null: no limit.'),
})
export type DataPoints = z.output<typeof DataPoints>

/** How much an organization may index and has indexed. */
export const quotaRoutes = {
  getDataPoints: route({
    method: 'GET',
    path: '/orgs/:orgId/dataPoints',
    tag: 'Organizations',
    summary: 'Tells how many data points the organization uses and may use. Each item and each annotation uses one.',
    access: { scope: 'org', role: 'member', of: (request) => request.params.orgId },
    params,
    response: DataPoints,
    errors: ['org.not_found'],
  }),
  setDataPoints: route({
    method: 'PATCH',
    path: '/orgs/:orgId/dataPoints',
    tag: 'Organizations',
    summary:
      'Sets how many data points the organization may use, from the next item on. A limit below what is used removes nothing.',
    access: { scope: 'org', role: 'owner', of: (request) => request.params.orgId },
    params,
    body: z.object({ max: z.int().min(0).nullable() }),
    response: DataPoints,
    errors: ['org.not_found'],
  }),
}
