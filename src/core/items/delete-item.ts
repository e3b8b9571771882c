import type { Command } from '#core/commands/commands.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { parseItemId } from '#lib/ids.ts'
import { leaveFolderToTask } from './item-task.ts'
import { deleteItems } from './remove.ts'
import { deleteFolderFor, findFolder } from './remove-folder.ts'

/** Longest that a request deletes what is in a folder, in milliseconds, before the rest is left to a job. */
export const FOLDER_BUDGET_MS = 5_000

/**
 * Deletes an item, or a folder with all that is in it, by its id. Null when all is gone; otherwise the command that goes on with a folder that has more in it
 * than a request can delete. Throws `item.not_found`, `item.root_stays` and what `deleteItems` throws.
 */
export async function deleteItem(
  deps: Deps,
  caller: Caller,
  id: string,
  budgetMs = FOLDER_BUDGET_MS,
): Promise<Command | null> {
  const numbers = parseItemId(id)
  if (numbers === null) throw new AppError('item.not_found')
  if ('dirNo' in numbers) {
    const { datasetNo } = numbers
    const folder = await findFolder(deps, datasetNo, numbers.dirNo)
    if (folder === null) throw new AppError('item.not_found')
    const { count, isDone } = await deleteFolderFor(deps, caller, datasetNo, folder, budgetMs)
    return isDone ? null : await leaveFolderToTask(deps, caller, datasetNo, folder, count)
  }
  const count = await deleteItems(deps, caller, numbers.datasetNo, [numbers.itemNo])
  if (count === 0) throw new AppError('item.not_found')
  return null
}
