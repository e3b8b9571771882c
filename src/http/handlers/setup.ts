import type { setupRoutes } from '#contract/setup.ts'
import { finishSetup, isSetupOpen } from '#core/access/access.ts'
import type { Handlers } from '../handler.ts'
import { sendPage, sendScript } from '../pages.ts'
import { setupPage, setupScript } from '../setup-page.ts'

/** The first owner of a fresh server. */
export const setupHandlers: Handlers<typeof setupRoutes> = {
  getSetup: async (deps) => ({ isOpen: await isSetupOpen(deps) }),
  finishSetup: (deps, { body, raw }) => finishSetup(deps, { ...body, address: raw.ip }),
  // The console has a page for it; where it was not built, the plain one does.
  getSetupPage: async (_deps, { raw, reply }) =>
    raw.server.consoleFiles?.send(raw, reply) ?? sendPage(reply, setupPage),
  getSetupScript: async (_deps, { reply }) => sendScript(reply, setupScript),
}
