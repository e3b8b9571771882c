/** Identity and membership: who asks, what they may, and the organizations and projects they may it in. The public file of this folder. */
export { holderOfKey, keyHolder } from './api-keys.ts'
export { createBot, getBot, listBots, removeBot } from './bots.ts'
export { acceptInvitation, createInvitation } from './invitations.ts'
export { foundOrg, isOperator, removeOrg, setPlan } from './org-life.ts'
export {
  addOrgMembers,
  chooseOrg,
  createOrg,
  listOrgMembers,
  listOrgs,
  removeOrgMember,
  updateOrgMember,
} from './orgs.ts'
export { type Move, moveProject } from './project-move.ts'
export {
  addProjectMember,
  createProject,
  listProjectMembers,
  listProjects,
  type ProjectFilter,
  projectDatasets,
  removeProject,
  removeProjectMember,
  renameProject,
  updateProjectMember,
} from './projects.ts'
export { type Granted, grant } from './scopes.ts'
export { ensureFirstOwner, type FirstOwner, finishSetup, isSetupOpen, prepareSetup } from './setup.ts'
export {
  type Authenticated,
  authenticate,
  type Credential,
  createApiKey,
  listApiKeys,
  refreshSession,
  revoke,
  startSession,
  type Tokens,
} from './tokens.ts'
export { changePassword, ensureUsers, findUser, getMe, login, renderUser, setPassword } from './users.ts'
