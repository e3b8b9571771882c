import type { Project, projectRoutes } from '#contract/projects.ts'
import {
  addProjectMember,
  createBot,
  createProject,
  ensureUsers,
  findUser,
  getBot,
  grant,
  listBots,
  listProjectMembers,
  listProjects,
  moveProject,
  projectDatasets,
  removeBot,
  removeProject,
  removeProjectMember,
  renameProject,
  updateProjectMember,
} from '#core/access/access.ts'
import { createDatasetIn, removeDataset } from '#core/datasets/datasets.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { releaseDataPoints, reserveDataPoints } from '#core/quota/quota.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Handlers } from '../handler.ts'

/** Projects and their members. */
export const projectHandlers: Handlers<typeof projectRoutes> = {
  createProject: async (deps, { caller, body, baseUrl }) => {
    const fill = async (tx: Db, projectId: string) => {
      await createDatasetIn(deps, tx, caller, { name: 'Binaries', projectId, driverId: null, isSystem: true })
    }
    const id = await createProject(deps, caller, { name: body.name, orgId: body.org }, fill)
    return await getProject(deps, caller, id, baseUrl)
  },
  listProjects: (deps, { caller, baseUrl }) => listProjects(deps, caller, baseUrl),
  getProject: (deps, { caller, params, baseUrl }) => getProject(deps, caller, params.projectId, baseUrl),
  findProjects: async (deps, { caller, params, baseUrl }) => {
    const found = await listProjects(deps, caller, baseUrl, { name: params.name })
    // An empty list crashes the vendor's SDK; it wants a 404.
    if (found.length === 0) throw new AppError('project.not_found')
    return found
  },
  updateProject: async (deps, { caller, params, body, baseUrl }) => {
    if (body.name !== undefined) await renameProject(deps, params.projectId, body.name)
    return await getProject(deps, caller, params.projectId, baseUrl)
  },
  deleteProject: async (deps, { params }) => {
    for (const datasetNo of await projectDatasets(deps.db, params.projectId)) await removeDataset(deps, datasetNo)
    await removeProject(deps, params.projectId)
    return { id: params.projectId }
  },
  moveProject: async (deps, { caller, params, body, baseUrl }) => {
    // Its people become members there, which is for those to allow who run it.
    await grant(deps, caller, 'org', body.org_id, 'admin')
    await moveProject(deps, { projectId: params.projectId, toOrgId: body.org_id }, async (tx, move) => {
      await releaseDataPoints(tx, move.fromOrgId, move.points)
      await reserveDataPoints(tx, move.toOrgId, move.points)
    })
    return await getProject(deps, caller, params.projectId, baseUrl)
  },
  sendProjectMail: async () => {
    throw new AppError('mail.not_set_up')
  },
  sendMail: async () => {
    throw new AppError('mail.not_set_up')
  },
  listBots: (deps, { params }) => listBots(deps.db, params.projectId),
  createBot: (deps, { params, body }) =>
    createBot(deps, { ...params, name: body.name, withCredentials: body.returnCredentials === true }),
  getBot: (deps, { params }) => getBot(deps.db, params),
  deleteBot: (deps, { params }) => removeBot(deps, params),
  listProjectMembers: (deps, { params }) => listProjectMembers(deps, params.projectId),
  addProjectMember: async (deps, { params, body, access }) => {
    const userId = await findUser(deps.db, params.member)
    return await addProjectMember(deps, {
      projectId: params.projectId,
      orgId: access.orgId!,
      byOrgRole: access.orgRole,
      userId: userId ?? (await invite(deps, params.member, access.orgRole)),
      role: body.role,
    })
  },
  updateProjectMember: (deps, { params, body }) => updateProjectMember(deps, { ...params, role: body.role }),
  removeProjectMember: (deps, { params }) => removeProjectMember(deps, params),
}

async function getProject(deps: Deps, caller: Caller, id: string, baseUrl: string): Promise<Project> {
  const [project] = await listProjects(deps, caller, baseUrl, { id })
  if (project === undefined) throw new AppError('project.not_found')
  return project
}

/** Who runs the organization may bring in people nobody knows yet; anybody else is told that there is no such person. */
async function invite(deps: Deps, email: string, byOrgRole: string | undefined): Promise<string> {
  const mayInvite = byOrgRole === 'owner' || byOrgRole === 'admin'
  if (!mayInvite || !/^[^\s@]+@[^\s@]+$/.test(email)) throw new AppError('user.not_found')
  const [userId] = await ensureUsers(deps.db, [email], deps.clock.now())
  return userId!
}
