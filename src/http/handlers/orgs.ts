import type { Org, orgRoutes } from '#contract/orgs.ts'
import {
  addOrgMembers,
  foundOrg,
  listOrgMembers,
  listOrgs,
  listProjects,
  removeOrg,
  removeOrgMember,
  setPlan,
  updateOrgMember,
} from '#core/access/access.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import type { Handlers } from '../handler.ts'

/** Organizations and their members. */
export const orgHandlers: Handlers<typeof orgRoutes> = {
  listOrgs: (deps, { caller }) => listOrgs(deps, caller),
  getOrg: (deps, { caller, params }) => getOrg(deps, caller, params.orgId),
  createOrg: async (deps, { caller, body }) => await getOrg(deps, caller, await foundOrg(deps, caller, body.name)),
  deleteOrg: async (deps, { params }) => {
    await removeOrg(deps, params.orgId)
    return { id: params.orgId }
  },
  updateOrgPlan: async (deps, { caller, params, body }) => {
    await setPlan(deps, params.orgId, body.plan)
    return await getOrg(deps, caller, params.orgId)
  },
  listOrgMembers: (deps, { params }) => listOrgMembers(deps, params.orgId),
  listOrgGroups: async () => [],
  addOrgMembers: (deps, { params, body, access }) => addOrgMembers(deps, { ...params, by: access.orgRole!, ...body }),
  updateOrgMember: (deps, { params, body, access }) =>
    updateOrgMember(deps, { ...params, by: access.orgRole!, member: body.email, role: body.role }),
  removeOrgMember: (deps, { params, access }) => removeOrgMember(deps, { ...params, by: access.orgRole! }),
  listOrgProjects: (deps, { caller, params, baseUrl }) => listProjects(deps, caller, baseUrl, { orgId: params.orgId }),
}

async function getOrg(deps: Deps, caller: Caller, orgId: string): Promise<Org> {
  const [org] = await listOrgs(deps, caller, orgId)
  if (org === undefined) throw new AppError('org.not_found')
  return org
}
