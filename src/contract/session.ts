import { z } from 'zod'
import { route } from './route.ts'

/** What a page of the console is given: the token for its calls. What it is renewed with stays in a cookie that no script reads. */
const Session = z.object({
  accessToken: z.string(),
  /** Seconds until it ends. */
  expiresIn: z.number(),
})

/** The log-in of the console in a browser. Programs use `POST /token`, which gives them all tokens. */
export const sessionRoutes = {
  openSession: route({
    method: 'POST',
    path: '/session',
    root: true,
    tag: 'Log-in',
    summary:
      'Logs a browser in: the access token is in the answer, and cookies that no script reads keep it logged in.',
    access: 'public',
    body: z.object({ email: z.string().max(1024), password: z.string().max(1024) }),
    bodyBytesMax: 16_384,
    response: Session,
    errors: ['auth.invalid_credentials', 'rate.limited'],
  }),
  renewSession: route({
    method: 'POST',
    path: '/session/renew',
    root: true,
    tag: 'Log-in',
    summary: 'A fresh access token for a browser that is logged in.',
    access: 'public',
    bodyForms: ['empty'],
    body: z.object({}),
    response: Session,
    errors: ['auth.required', 'auth.invalid_token'],
  }),
  closeSession: route({
    method: 'DELETE',
    path: '/session',
    root: true,
    tag: 'Log-in',
    summary: 'Logs a browser out, and forgets its cookies.',
    access: 'public',
    status: 204,
    errors: [],
  }),
}
