import { z } from 'zod'
import { memberKey, User } from './auth.ts'
import { id, isoTime } from './fields.ts'
import { projectRoles, route } from './route.ts'

const params = z.object({ projectId: id('project') })
const memberParams = params.extend({ member: memberKey })

/** A project with exactly the keys that the vendor's SDK compares; `role` is the caller's. */
export const Project = z.object({
  id: z.string(),
  name: z.string(),
  org: z.object({ id: z.string(), name: z.string() }),
  role: z.enum(projectRoles).nullable(),
  creator: z.string(),
  contributors: z.array(User),
  account: z.object({ id: z.string() }),
  archived: z.boolean(),
  isBlocked: z.boolean(),
  featureConstraints: z.array(z.unknown()),
  url: z.string(),
  createdAt: isoTime,
  updatedAt: isoTime,
})
export type Project = z.output<typeof Project>

const role = z.enum(projectRoles).describe('`engineer` is what people call a developer.')

/** Projects and who is in them. */
export const projectRoutes = {
  createProject: route({
    method: 'POST',
    path: '/projects',
    tag: 'Projects',
    summary:
      'Makes a project and its caller the owner; in the caller’s chosen organization unless `org` names another.',
    access: 'user',
    body: z.object({
      name: z.string().describe('Letters, digits, spaces and !@#$%^&*()_+-[]|., — 255 characters at most.'),
      org: id('organization').optional(),
    }),
    bodyForms: ['form'],
    response: Project,
    errors: ['project.invalid', 'org.not_found', 'access.forbidden'],
  }),
  listProjects: route({
    method: 'GET',
    path: '/projects',
    tag: 'Projects',
    summary: 'Lists the projects the caller is in.',
    access: 'user',
    response: z.array(Project),
    errors: [],
  }),
  getProject: route({
    method: 'GET',
    path: '/projects/:projectId',
    tag: 'Projects',
    summary: 'Gets a project.',
    access: { scope: 'project', role: 'annotator', of: (request) => request.params.projectId },
    params,
    response: Project,
    errors: ['project.not_found'],
  }),
  findProjects: route({
    method: 'GET',
    path: '/projects/:name/name',
    tag: 'Projects',
    summary: 'Finds the caller’s projects of exactly this name; 404 when there is none.',
    access: 'user',
    params: z.object({ name: z.string() }),
    response: z.array(Project),
    errors: ['project.not_found'],
  }),
  updateProject: route({
    method: 'PATCH',
    path: '/projects/:projectId',
    tag: 'Projects',
    summary: 'Renames a project. The SDK sends the whole project; everything but the name is ignored.',
    access: { scope: 'project', role: 'owner', of: (request) => request.params.projectId },
    params,
    query: z.object({ system: z.string().optional() }),
    body: z.looseObject({ name: z.string().optional() }),
    response: Project,
    errors: ['project.not_found', 'project.invalid'],
  }),
  deleteProject: route({
    method: 'DELETE',
    path: '/projects/:projectId',
    tag: 'Projects',
    summary: 'Deletes a project with its datasets and storage drivers. Nothing is deleted in any bucket.',
    access: { scope: 'project', role: 'owner', of: (request) => request.params.projectId },
    params,
    response: z.object({ id: z.string() }),
    errors: ['project.not_found', 'project.not_empty'],
  }),
  listProjectMembers: route({
    method: 'GET',
    path: '/projects/:projectId/members',
    tag: 'Projects',
    summary: 'Lists the members of a project.',
    access: { scope: 'project', role: 'annotator', of: (request) => request.params.projectId },
    params,
    response: z.array(User),
    errors: ['project.not_found'],
  }),
  addProjectMember: route({
    method: 'POST',
    path: '/projects/:projectId/members/:member',
    tag: 'Projects',
    summary:
      'Adds a person to a project. Who is not in the organization yet can be added only by its owners and admins.',
    access: { scope: 'project', role: 'owner', of: (request) => request.params.projectId },
    params: memberParams,
    body: z.object({ role: role.default('engineer') }),
    bodyForms: ['form', 'empty'],
    response: User,
    errors: ['project.not_found', 'project.last_owner', 'user.not_found'],
  }),
  updateProjectMember: route({
    method: 'PATCH',
    path: '/projects/:projectId/members/:member',
    tag: 'Projects',
    summary: 'Changes a member’s role; a project keeps at least one owner.',
    access: { scope: 'project', role: 'owner', of: (request) => request.params.projectId },
    params: memberParams,
    body: z.object({ role }),
    bodyForms: ['form'],
    response: User,
    errors: ['project.not_found', 'member.not_found', 'project.last_owner'],
  }),
  removeProjectMember: route({
    method: 'DELETE',
    path: '/projects/:projectId/members/:member',
    tag: 'Projects',
    summary: 'Removes a member from a project; a project keeps at least one owner.',
    access: { scope: 'project', role: 'owner', of: (request) => request.params.projectId },
    params: memberParams,
    response: User,
    errors: ['project.not_found', 'member.not_found', 'project.last_owner'],
  }),
}
