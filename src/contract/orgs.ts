import { z } from 'zod'
import { memberKey, User } from './auth.ts'
import { displayName, emailAddress, id, isoTime } from './fields.ts'
import { Project } from './projects.ts'
import { orgRoles, route } from './route.ts'

const params = z.object({ orgId: id('organization') })

/** An organization; `members` is empty for workers, who may not see them. */
export const Org = z.object({
  id: z.string(),
  name: z.string(),
  members: z.array(User),
  groups: z.array(z.unknown()),
  account: z.object({ id: z.string() }),
  owner: z.string(),
  creator: z.string(),
  plan: z.string(),
  logoUrl: z.string().nullable(),
  createdAt: isoTime,
  updatedAt: isoTime,
})
export type Org = z.output<typeof Org>

/** Organizations and who is in them. */
export const orgRoutes = {
  listOrgs: route({
    method: 'GET',
    path: '/orgs',
    tag: 'Organizations',
    summary: 'Lists the organizations the caller is in.',
    access: 'user',
    response: z.array(Org),
    errors: [],
  }),
  createOrg: route({
    method: 'POST',
    path: '/orgs',
    tag: 'Organizations',
    summary: 'Makes an organization owned by the caller, who must be an owner of the server’s first one.',
    access: 'user',
    body: z.object({ name: displayName }),
    bodyForms: ['form'],
    response: Org,
    errors: ['access.forbidden'],
  }),
  deleteOrg: route({
    method: 'DELETE',
    path: '/orgs/:orgId',
    tag: 'Organizations',
    summary:
      'Deletes an organization without projects; its integrations go with it. The first one of the server stays.',
    access: { scope: 'org', role: 'owner', of: (request) => request.params.orgId },
    params,
    response: z.object({ id: z.string() }),
    errors: ['org.not_found', 'org.not_empty', 'org.first_stays'],
  }),
  updateOrgPlan: route({
    method: 'PATCH',
    path: '/orgs/:orgId/plan',
    tag: 'Organizations',
    summary: 'Sets the plan of an organization: a label that scripts read back; nothing is limited by it.',
    access: { scope: 'org', role: 'owner', of: (request) => request.params.orgId },
    params,
    body: z.object({ plan: z.enum(['freemium', 'premium']) }),
    bodyForms: ['form'],
    response: Org,
    errors: ['org.not_found'],
  }),
  getOrg: route({
    method: 'GET',
    path: '/orgs/:orgId',
    tag: 'Organizations',
    summary: 'Gets an organization.',
    access: { scope: 'org', role: 'worker', of: (request) => request.params.orgId },
    params,
    response: Org,
    errors: ['org.not_found'],
  }),
  listOrgMembers: route({
    method: 'GET',
    path: '/orgs/:orgId/members',
    tag: 'Organizations',
    summary: 'Lists the members of an organization.',
    access: { scope: 'org', role: 'member', of: (request) => request.params.orgId },
    params,
    response: z.array(User),
    errors: ['org.not_found'],
  }),
  listOrgGroups: route({
    method: 'GET',
    path: '/orgs/:orgId/groups',
    tag: 'Organizations',
    summary: 'Lists the groups of an organization; there are none yet.',
    access: { scope: 'org', role: 'member', of: (request) => request.params.orgId },
    params,
    response: z.array(z.unknown()),
    errors: ['org.not_found'],
  }),
  addOrgMembers: route({
    method: 'POST',
    path: '/orgs/:orgId/members',
    tag: 'Organizations',
    summary:
      'Adds people by e-mail address; an address nobody has yet makes an invited user. Only an owner makes owners.',
    access: { scope: 'org', role: 'admin', of: (request) => request.params.orgId },
    params,
    body: z.object({ emails: z.array(emailAddress).min(1).max(100), role: z.enum(orgRoles).default('member') }),
    response: z.array(User),
    errors: ['org.not_found', 'org.creator_stays', 'user.not_found'],
  }),
  updateOrgMember: route({
    method: 'PATCH',
    path: '/orgs/:orgId/members',
    tag: 'Organizations',
    summary: 'Changes a member’s role. Only an owner makes or lowers owners; the creator stays owner.',
    access: { scope: 'org', role: 'admin', of: (request) => request.params.orgId },
    params,
    body: z.object({ email: memberKey, role: z.enum(orgRoles) }),
    response: User,
    errors: ['org.not_found', 'member.not_found', 'org.creator_stays'],
  }),
  removeOrgMember: route({
    method: 'DELETE',
    path: '/orgs/:orgId/members/:member',
    tag: 'Organizations',
    summary: 'Removes a member from the organization and from all its projects.',
    access: { scope: 'org', role: 'admin', of: (request) => request.params.orgId },
    params: params.extend({ member: memberKey }),
    response: User,
    errors: ['org.not_found', 'member.not_found', 'org.creator_stays', 'project.last_owner'],
  }),
  listOrgProjects: route({
    method: 'GET',
    path: '/orgs/:orgId/projects',
    tag: 'Organizations',
    summary: 'Lists those projects of an organization that the caller is in.',
    access: { scope: 'org', role: 'worker', of: (request) => request.params.orgId },
    params,
    response: z.array(Project),
    errors: ['org.not_found'],
  }),
}
