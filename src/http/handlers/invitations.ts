import type { invitationRoutes } from '#contract/invitations.ts'
import { acceptInvitation, createInvitation } from '#core/access/access.ts'
import type { Handlers } from '../handler.ts'

/** How people who were added get in. */
export const invitationHandlers: Handlers<typeof invitationRoutes> = {
  createInvitation: (deps, { caller, params, baseUrl }) =>
    createInvitation(deps, caller, { user: params.user, baseUrl }),
  acceptInvitation: (deps, { body, raw }) => acceptInvitation(deps, { ...body, address: raw.ip }),
}
