import { z } from 'zod'
import { route } from './route.ts'

/** What tells about the server itself: health for those who run it, the description of the API for those who use it. */
export const systemRoutes = {
  getHealth: route({
    method: 'GET',
    path: '/healthz',
    root: true,
    tag: 'Server',
    summary: 'Tells that the process is up; asks nothing of the database.',
    access: 'public',
    response: z.object({ status: z.literal('ok') }),
    errors: [],
  }),
  getReadiness: route({
    method: 'GET',
    path: '/readyz',
    root: true,
    tag: 'Server',
    summary: 'Tells whether the server can work: its database answers and has the newest schema.',
    access: 'public',
    response: z.object({ status: z.literal('ready') }),
    errors: ['server.not_ready'],
  }),
  getOpenApi: route({
    method: 'GET',
    path: '/openapi.json',
    tag: 'Server',
    summary: 'Gives this description of the API as an OpenAPI 3.1 document.',
    access: 'public',
    response: z.looseObject({ openapi: z.string() }),
    errors: [],
  }),
  getReference: route({
    method: 'GET',
    path: '/docs',
    tag: 'Server',
    summary: 'Gives this description of the API as a page to read.',
    access: 'public',
    errors: [],
  }),
  checkSdk: route({
    method: 'POST',
    path: '/sdk/check',
    tag: 'Server',
    summary: 'Lets the vendor’s Python SDK ask whether its version is fine; it always is.',
    access: 'public',
    body: z.looseObject({}),
    bodyForms: ['form', 'empty'],
    bodyBytesMax: 16_384,
    response: z.object({ level: z.enum(['debug', 'info', 'warning', 'error']), msg: z.string() }),
    errors: [],
  }),
}
