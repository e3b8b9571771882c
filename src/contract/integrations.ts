import { z } from 'zod'
import { checkErrors } from './check-errors.ts'
import { displayName, id, isoTime } from './fields.ts'
import { route } from './route.ts'

const orgParams = z.object({ orgId: id('organization') })
const params = orgParams.extend({ integrationId: id('integration') })

const NamedValue = z.object({ name: z.string().max(200), value: z.unknown() })

/** Facts a client keeps beside an integration; either form is taken, the answer is always the list. No place for secrets: they are read back. */
const metadata = z
  .union([z.record(z.string().max(200), z.unknown()), z.array(NamedValue).max(100)])
  .describe('Facts kept beside the integration, read back by everybody who may see it. Never put a secret here.')

const options = z
  .record(z.string(), z.unknown())
  .describe(
    'The credentials, by the names of the type’s options (see availableIntegrations). Sealed, never given back.',
  )

/** An integration as everybody sees it: nothing of its credentials. */
export const Integration = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  provider: z.string().describe('Whose icon is shown: aws, gcp, azure, registry or sluice.'),
  org: z.string(),
  creator: z.string().describe('E-mail address.'),
  createdAt: isoTime,
  updatedAt: isoTime,
  url: z.string(),
  metadata: z.array(NamedValue),
  version: z.int().describe('Counts up with every change of the credentials.'),
  credentialsUpdatedAt: isoTime.describe('When the credentials were last changed.'),
  driversCount: z.int().describe('Storage drivers that use it, in all projects of the organization.'),
})
export type Integration = z.output<typeof Integration>

/** Something to choose: a kind of integration, with what a form has to ask for (IN-13), or an integration of the organization. */
export const AvailableIntegration = z.object({
  id: z.string().describe('Of the integration; for a kind the same as its type.'),
  isKind: z.boolean().describe('True: a kind of which one can be made. False: one that is there.'),
  name: z.string(),
  type: z.string(),
  label: z.string(),
  provider: z.string(),
  supported: z
    .boolean()
    .describe('False: it can be made and is kept sealed, but this version of the server cannot use it yet.'),
  driverTypes: z.array(z.string()),
  options: z.array(
    z.object({
      name: z.string(),
      label: z.string(),
      type: z.enum(['string', 'json', 'object']),
      required: z.boolean(),
      secret: z.boolean().describe('Whether to hide it while it is typed.'),
    }),
  ),
})

/** Credentials of an organization, kept in the vault. */
export const integrationRoutes = {
  listAvailableIntegrations: route({
    method: 'GET',
    path: '/orgs/:orgId/availableIntegrations',
    tag: 'Integrations',
    summary: 'Describes every kind of integration and its options; then come the integrations that are there already.',
    access: { scope: 'org', role: 'member', of: (request) => request.params.orgId },
    params: orgParams,
    response: z.array(AvailableIntegration),
    errors: ['org.not_found'],
  }),
  createIntegration: route({
    method: 'POST',
    path: '/orgs/:orgId/integrations',
    tag: 'Integrations',
    summary: 'Seals credentials, for use by every project of the organization.',
    access: { scope: 'org', role: 'admin', of: (request) => request.params.orgId },
    params: orgParams,
    body: z.object({
      name: displayName,
      type: z.string().max(100),
      options: options.nullish(),
      metadata: metadata.nullish(),
    }),
    response: Integration,
    errors: ['org.not_found', 'integration.invalid', 'integration.limit_reached'],
  }),
  listIntegrations: route({
    method: 'GET',
    path: '/orgs/:orgId/integrations',
    tag: 'Integrations',
    summary: 'Lists the integrations of an organization, without their credentials.',
    access: { scope: 'org', role: 'member', of: (request) => request.params.orgId },
    params: orgParams,
    response: z.array(Integration),
    errors: ['org.not_found'],
  }),
  getIntegration: route({
    method: 'GET',
    path: '/orgs/:orgId/integrations/:integrationId',
    tag: 'Integrations',
    summary: 'Gets an integration, without its credentials.',
    access: { scope: 'org', role: 'member', of: (request) => request.params.orgId },
    params,
    response: Integration,
    errors: ['org.not_found', 'integration.not_found'],
  }),
  updateIntegration: route({
    method: 'PATCH',
    path: '/orgs/:orgId/integrations',
    tag: 'Integrations',
    summary: 'Renames an integration or replaces its credentials; the older ones are destroyed.',
    access: { scope: 'org', role: 'admin', of: (request) => request.params.orgId },
    params: orgParams,
    query: z.object({
      reloadServices: z
        .string()
        .optional()
        .describe('Taken for compatibility; there are no services that keep a copy.'),
    }),
    body: z.object({
      integrationId: id('integration'),
      name: displayName.nullish(),
      metadata: metadata.nullish(),
      credentials: z.object({ type: z.string().max(100).nullish(), options }).nullish(),
    }),
    response: Integration,
    errors: ['org.not_found', 'integration.not_found', 'integration.invalid'],
  }),
  testIntegration: route({
    method: 'GET',
    path: '/orgs/:orgId/integrations/:integrationId/test',
    tag: 'Integrations',
    summary: 'Tries an integration as far as this version can; answers nothing on success.',
    access: { scope: 'org', role: 'admin', of: (request) => request.params.orgId },
    params,
    errors: [
      'org.not_found',
      'integration.not_found',
      'integration.not_supported',
      'dataset.disconnected',
      ...checkErrors,
    ],
  }),
  deleteIntegration: route({
    method: 'DELETE',
    path: '/orgs/:orgId/integrations/:integrationId',
    tag: 'Integrations',
    summary:
      'Deletes an integration; one that storage drivers use only with force and confirm, which disconnects them.',
    access: { scope: 'org', role: 'admin', of: (request) => request.params.orgId },
    params,
    query: z.object({
      force: z.enum(['true', 'false']).default('false').describe('Also when storage drivers use it.'),
      confirm: z.enum(['true', 'false']).default('false').describe('The second confirmation; needed with force.'),
    }),
    response: z.object({ id: z.string() }),
    errors: ['org.not_found', 'integration.not_found', 'integration.in_use', 'integration.confirm_required'],
  }),
}
