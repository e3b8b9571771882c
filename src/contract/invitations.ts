import { z } from 'zod'
import { isoTime, newPassword } from './fields.ts'
import { route } from './route.ts'

/** Links by which people who were added get their first password; the server sends no mail, so somebody hands them over. */
export const invitationRoutes = {
  createInvitation: route({
    method: 'POST',
    path: '/users/:user/invitation',
    tag: 'Log-in',
    summary:
      'Makes a link by which somebody who was added sets their first password. Works once and for seven days; a new one ends the one before. Only for who runs the server.',
    access: 'user',
    params: z.object({ user: z.string().min(1).max(254).describe('E-mail address or id.') }),
    response: z.object({ email: z.string(), link: z.string().describe('Shown once.'), expiresAt: isoTime }),
    errors: ['access.forbidden', 'user.not_found', 'invitation.not_needed'],
  }),
  acceptInvitation: route({
    method: 'POST',
    path: '/invitations/accept',
    tag: 'Log-in',
    summary: 'Sets the first password of whom a link was made for; then they log in with it.',
    access: 'public',
    body: z.object({ token: z.string().max(256), password: newPassword }),
    bodyBytesMax: 16_384,
    response: z.object({ email: z.string() }),
    errors: ['invitation.invalid_link', 'rate.limited'],
  }),
}
