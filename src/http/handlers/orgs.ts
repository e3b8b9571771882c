import type { orgRoutes } from '#contract/orgs.ts'
import {
  addOrgMembers,
  listOrgMembers,
  listOrgs,
  listProjects,
  removeOrgMember,
  updateOrgMember,
} from '#core/access/access.ts'
import { AppError } from '#lib/app-error.ts'
import type { Handlers } from '../handler.ts'

/** Organizations and their members. */
export const orgHandlers: Handlers<typeof orgRoutes> = {
  listOrgs: (deps, { caller }) => listOrgs(deps, caller),
  getOrg: async (deps, { caller, params }) => {
    const [org] = await listOrgs(deps, caller, params.orgId)
    if (org === undefined) throw new AppError('org.not_found')
    return org
  },
  listOrgMembers: (deps, { params }) => listOrgMembers(deps, params.orgId),
  listOrgGroups: async () => [],
  addOrgMembers: (deps, { params, body, access }) => addOrgMembers(deps, { ...params, by: access.orgRole!, ...body }),
  updateOrgMember: (deps, { params, body, access }) =>
    updateOrgMember(deps, { ...params, by: access.orgRole!, member: body.email, role: body.role }),
  removeOrgMember: (deps, { params, access }) => removeOrgMember(deps, { ...params, by: access.orgRole! }),
  listOrgProjects: (deps, { caller, params, baseUrl }) => listProjects(deps, caller, baseUrl, { orgId: params.orgId }),
}
