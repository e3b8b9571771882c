import { z } from 'zod'
import { id, isoTime } from './fields.ts'
import { route } from './route.ts'

/** A person or a bot, as members, contributors and `/users/me` show it. */
export const User = z.object({
  id: z.string(),
  email: z.string(),
  username: z.string(),
  firstName: z.string(),
  lastName: z.string(),
  type: z.enum(['user', 'bot']),
  isInvited: z.boolean().describe('Somebody who was added and has no password yet.'),
  role: z.string().nullable(),
  avatar: z.string().nullable(),
  org: z.object({ id: z.string(), name: z.string() }).nullable(),
  createdAt: isoTime,
  updatedAt: isoTime,
})
export type User = z.output<typeof User>

/** A bot: a user that programs log in as. The password is in the answer that makes it, where it was asked for, and nowhere else. */
export const Bot = User.extend({ password: z.string().optional().describe('Shown once.') })
export type Bot = z.output<typeof Bot>

/** The only addresses that a log-in in the browser may hand tokens to: the SDK, listening on the person's own machine. */
export const loginCallback = z
  .string()
  .regex(/^http:\/\/localhost:[1-9]\d{0,4}\/?$/, 'must be http://localhost: and a port')
  .describe('Where the SDK listens: the address localhost with a port, over http.')

const ApiKey = z.object({
  id: z.string(),
  description: z.string(),
  createdAt: isoTime,
  expiresAt: isoTime,
})

/** Log-in, tokens, API keys, and who is asking. */
export const authRoutes = {
  createToken: route({
    method: 'POST',
    path: '/token',
    root: true,
    tag: 'Log-in',
    summary: 'Logs in with e-mail address and password, or trades a refresh token for a fresh access token.',
    access: 'public',
    query: z.object({ default: z.string().optional() }),
    body: z.discriminatedUnion('type', [
      z.object({ type: z.literal('user_credentials'), username: z.string().max(1024), password: z.string().max(1024) }),
      z.object({ type: z.literal('refresh_token'), refresh_token: z.string().max(8192) }),
    ]),
    bodyForms: ['form'],
    bodyBytesMax: 16_384,
    response: z.object({
      id_token: z.string(),
      access_token: z.string(),
      refresh_token: z.string(),
      expires_in: z.number(),
    }),
    errors: ['auth.invalid_credentials', 'auth.invalid_token', 'rate.limited'],
  }),
  getLoginPage: route({
    method: 'GET',
    path: '/login',
    root: true,
    tag: 'Log-in',
    summary:
      'The page on which a person logs in for the SDK; it hands the tokens to the SDK on the person’s own machine.',
    access: 'public',
    query: z.object({ callback: loginCallback, domain: z.string().optional() }),
    errors: [],
  }),
  getLoginScript: route({
    method: 'GET',
    path: '/login.js',
    root: true,
    tag: 'Log-in',
    summary: 'The script of the log-in page.',
    access: 'public',
    errors: [],
  }),
  logout: route({
    method: 'POST',
    path: '/logout',
    tag: 'Log-in',
    summary: 'Ends the log-in, or revokes the API key, that the request is made with.',
    access: 'user',
    status: 204,
    errors: [],
  }),
  createApiKey: route({
    method: 'POST',
    path: '/apiKeys',
    tag: 'Log-in',
    summary:
      'Makes an API key for the caller, or for a bot of an organization they own or administer. It is shown only once; an API key cannot make another.',
    access: 'user',
    body: z.object({ userId: z.string().max(254).optional(), description: z.string().max(1000).optional() }),
    bodyForms: ['form', 'empty'],
    response: z.object({ id: z.string(), jwt: z.string(), expiresAt: isoTime }),
    errors: ['access.forbidden'],
  }),
  listApiKeys: route({
    method: 'GET',
    path: '/apiKeys',
    tag: 'Log-in',
    summary: 'Lists the API keys of the caller, or of a bot, that are still valid; without the keys themselves.',
    access: 'user',
    query: z.object({ userId: z.string().max(254).optional() }),
    response: z.array(ApiKey),
    errors: ['access.forbidden'],
  }),
  deleteApiKey: route({
    method: 'DELETE',
    path: '/apiKeys/:apiKeyId',
    tag: 'Log-in',
    summary: 'Revokes an API key of the caller or of a bot; other processes of the server follow within 10 seconds.',
    access: 'user',
    params: z.object({ apiKeyId: id('API key') }),
    status: 204,
    errors: ['auth.api_key_not_found'],
  }),
  getMe: route({
    method: 'GET',
    path: '/users/me',
    tag: 'Log-in',
    summary: 'Tells who is logged in, and in which organization new projects are made.',
    access: 'user',
    response: User,
    errors: [],
  }),
  updateMe: route({
    method: 'POST',
    path: '/users/me',
    tag: 'Log-in',
    summary: 'Chooses the organization in which the caller’s new projects are made.',
    access: 'user',
    body: z.object({ org: id('organization') }),
    bodyForms: ['form'],
    response: User,
    errors: ['org.not_found'],
  }),
  changePassword: route({
    method: 'POST',
    path: '/users/me/password',
    tag: 'Log-in',
    summary: 'Changes the caller’s password and ends all other log-ins; API keys stay.',
    access: 'user',
    body: z.object({ currentPassword: z.string().max(1024), newPassword: z.string().min(8).max(1024) }),
    status: 204,
    errors: ['auth.invalid_credentials', 'access.forbidden', 'rate.limited'],
  }),
}

/** Said of a person by e-mail address; for the groups that list members. */
export const memberKey = z.string().max(254).describe('Id or e-mail address of the person.')
