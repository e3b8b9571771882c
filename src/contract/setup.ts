import { z } from 'zod'
import { displayName, emailAddress, newPassword } from './fields.ts'
import { route } from './route.ts'

/** The first owner of a fresh server, made through the one-time link that the log shows. */
export const setupRoutes = {
  getSetup: route({
    method: 'GET',
    path: '/setup',
    tag: 'Set-up',
    summary: 'Tells whether this server still waits for its first owner.',
    access: 'public',
    response: z.object({ isOpen: z.boolean() }),
    errors: [],
  }),
  finishSetup: route({
    method: 'POST',
    path: '/setup',
    tag: 'Set-up',
    summary: 'Makes the first owner and the first organization; works once, with the token of the set-up link.',
    access: 'public',
    body: z.object({ token: z.string().max(256), email: emailAddress, password: newPassword, orgName: displayName }),
    bodyForms: ['form'],
    bodyBytesMax: 16_384,
    response: z.object({ email: z.string(), orgId: z.string() }),
    errors: ['setup.invalid_link', 'setup.already_done', 'rate.limited'],
  }),
  getSetupPage: route({
    method: 'GET',
    path: '/setup',
    root: true,
    tag: 'Set-up',
    summary: 'The page behind the set-up link, for people.',
    access: 'public',
    errors: [],
  }),
  getSetupScript: route({
    method: 'GET',
    path: '/setup.js',
    root: true,
    tag: 'Set-up',
    summary: 'The script of the set-up page.',
    access: 'public',
    errors: [],
  }),
}
