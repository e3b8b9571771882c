import type { Item } from '#contract/items.ts'
import { ensureFolder } from '#core/catalog/catalog.ts'
import type { Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { getItemByPath } from './browse.ts'
import { requirePath } from './item-paths.ts'
import { writeItems } from './writing.ts'

/**
 * Makes a folder, and those above it, which then stay although nothing is in them. What is there already stays as it is, so it may be asked twice.
 * Errors: `item.path_invalid`, `dataset.not_found`, `dataset.readonly`, `dataset.locked`.
 */
export async function makeFolder(deps: Deps, datasetNo: number, text: string, baseUrl: string): Promise<Item> {
  // A slash at the end says only that a folder is meant.
  const bare = `/${text.replace(/^\//, '').replace(/\/$/, '')}`
  if (bare === '/') return getItemByPath(deps, datasetNo, '/', baseUrl)
  const { path, name } = requirePath(bare)
  await writeItems(deps, datasetNo, async ({ tx }) => {
    const whole = `${path}${name}/`
    await ensureFolder(tx, { datasetNo }, whole)
    const paths = [...whole.matchAll(/\//g)].map(({ index }) => whole.slice(0, index + 1))
    await tx.query('update dir set is_kept = true where dataset_no = $1 and path = any($2::text[]) and not is_kept', [
      datasetNo,
      paths,
    ])
  })
  return getItemByPath(deps, datasetNo, `${bare}/`, baseUrl)
}

/** Path of a folder by its number; throws `item.not_found`. */
export async function folderPath(deps: Deps, datasetNo: number, dirNo: number): Promise<string> {
  const { rows } = await deps.db.query<{ path: string }>('select path from dir where dataset_no = $1 and dir_no = $2', [
    datasetNo,
    dirNo,
  ])
  if (rows[0] === undefined) throw new AppError('item.not_found')
  return rows[0].path
}
