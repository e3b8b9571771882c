import type { itemMarkRoutes } from '#contract/item-marks.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { listRemoved, type Wanted, workOnItems } from '#core/items/items.ts'
import type { CallFrame, Handlers } from '../handler.ts'
import { renderCommand } from './commands.ts'

type Kind = Parameters<typeof workOnItems>[3]
type Asked = Pick<CallFrame, 'access' | 'baseUrl'> & { readonly caller: Caller }

/** Marks that syncs leave on items, and removed items. */
export const itemMarkHandlers: Handlers<typeof itemMarkRoutes> = {
  clearMissing: (deps, call) => work(deps, call, 'clear-missing', call.body),
  clearChanged: (deps, call) => work(deps, call, 'clear-changed', call.body),
  listRemoved: (deps, call) => listRemoved(deps, call.access.datasetNo!, call.query),
  restoreRemoved: (deps, call) =>
    work(deps, call, 'restore', 'ids' in call.body ? { itemIds: call.body.ids } : call.body),
}

async function work(deps: Deps, { caller, access, baseUrl }: Asked, kind: Kind, wanted: Wanted) {
  const { count, command } = await workOnItems(deps, caller, access.datasetNo!, kind, wanted)
  return { count, command: command && renderCommand(command, baseUrl) }
}
