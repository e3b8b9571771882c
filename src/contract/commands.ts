import { z } from 'zod'
import { id, isoTime } from './fields.ts'
import { route } from './route.ts'

const params = z.object({ commandId: id('command') })

/** Long work: polled until its status is final (success, failed, timeout, canceled, aborted). */
export const Command = z.object({
  id: z.string(),
  url: z.string(),
  type: z.string(),
  status: z.string(),
  progress: z.number().describe('0 to 100.'),
  spec: z.record(z.string(), z.unknown()).describe('What it is about; at the end also what came of it.'),
  error: z.string().nullable(),
  errorCode: z.string().nullable(),
  creator: z.string(),
  createdAt: isoTime,
  updatedAt: isoTime,
})
export type Command = z.output<typeof Command>

/** Long work that was started by other routes. */
export const commandRoutes = {
  listCommands: route({
    method: 'GET',
    path: '/commands',
    tag: 'Commands',
    summary: 'Lists the caller’s commands, newest first, 1,000 at most.',
    access: 'user',
    response: z.array(Command),
    errors: [],
  }),
  getCommand: route({
    method: 'GET',
    path: '/commands/:commandId',
    tag: 'Commands',
    summary: 'Gets a command of one of the caller’s projects.',
    access: 'user',
    params,
    response: Command,
    errors: ['command.not_found'],
  }),
  abortCommand: route({
    method: 'POST',
    path: '/commands/:commandId/abort',
    tag: 'Commands',
    summary: 'Asks a command to stop. What it has done stays; its status becomes canceled when it has stopped.',
    access: 'user',
    params,
    bodyForms: ['empty'],
    response: Command,
    errors: ['command.not_found', 'access.forbidden'],
  }),
}
