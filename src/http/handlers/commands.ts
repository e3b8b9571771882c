import type { Command as CommandAnswer, commandRoutes } from '#contract/commands.ts'
import { grant } from '#core/access/access.ts'
import { cancelDatasetTask } from '#core/clones/clones.ts'
import { type Command, findCommand, listCommands, waitBriefly } from '#core/commands/commands.ts'
import type { Deps } from '#core/deps.ts'
import { cancelValidation } from '#core/drivers/drivers.ts'
import { cancelExport } from '#core/exports/exports.ts'
import { cancelItemTask, cancelQueryWork } from '#core/items/items.ts'
import { cancelSync } from '#core/sync/sync.ts'
import type { Handlers } from '../handler.ts'

/** A command as the API shows it; the SDK polls what follows `/api/v1` in its `url`. */
export function renderCommand(command: Command, baseUrl: string): CommandAnswer {
  return {
    ...command,
    url: `${baseUrl}/api/v1/commands/${command.id}`,
    createdAt: command.createdAt.toISOString(),
    updatedAt: command.updatedAt.toISOString(),
  }
}

/** The same for one that has just been made: as it was then, but answered when it has ended, if that is soon. */
export async function renderStarted(deps: Deps, command: Command, baseUrl: string): Promise<CommandAnswer> {
  await waitBriefly(deps.db, command.id)
  return renderCommand(command, baseUrl)
}

/** Long work. */
export const commandHandlers: Handlers<typeof commandRoutes> = {
  listCommands: async (deps, { caller, baseUrl }) =>
    (await listCommands(deps.db, caller)).map((command) => renderCommand(command, baseUrl)),
  getCommand: async (deps, { caller, params, baseUrl }) =>
    renderCommand(await findCommand(deps.db, caller, params.commandId), baseUrl),
  abortCommand: async (deps, { caller, params, baseUrl }) => {
    const found = await findCommand(deps.db, caller, params.commandId)
    if (await cancelValidation(deps, found)) return renderCommand(await findCommand(deps.db, caller, found.id), baseUrl)
    const { spec } = found
    // Who may start a sync may stop it; seeing a command is not enough.
    await grant(deps, caller, 'dataset', String(spec.datasetId), 'engineer')
    await cancelSync(deps, params.commandId)
    await cancelItemTask(deps, params.commandId)
    await cancelQueryWork(deps, params.commandId)
    await cancelExport(deps, params.commandId)
    await cancelDatasetTask(deps, params.commandId)
    return renderCommand(await findCommand(deps.db, caller, params.commandId), baseUrl)
  },
}
