import { openApi } from '#contract/openapi.ts'
import { routes } from '#contract/routes.ts'
import type { systemRoutes } from '#contract/system.ts'
import { isMigrated } from '#db/ready.ts'
import { AppError } from '#lib/app-error.ts'
import type { Handlers } from '../handler.ts'
import { sendPage } from '../pages.ts'
import { referencePage } from '../reference.ts'

/** Made once, at the first request: the table does not change while the process runs. */
const made: { document?: ReturnType<typeof openApi>; page?: string } = {}

/** What tells about the server itself. */
export const systemHandlers: Handlers<typeof systemRoutes> = {
  getHealth: async () => ({ status: 'ok' }),
  getReadiness: async (deps) => {
    const isReady = await isMigrated(deps.db).catch((cause: unknown) => {
      throw new AppError('server.not_ready', { cause })
    })
    if (!isReady) throw new AppError('server.not_ready')
    return { status: 'ready' }
  },
  getOpenApi: async () => {
    made.document ??= openApi(routes)
    return made.document
  },
  getReference: async (_deps, { reply }) => {
    made.page ??= referencePage(routes)
    return sendPage(reply, made.page)
  },
  checkSdk: async () => ({ level: 'debug', msg: '' }),
}
