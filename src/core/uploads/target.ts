import { MediaTypes } from '#core/catalog/catalog.ts'
import { requireWritable } from '#core/datasets/datasets.ts'
import type { Deps } from '#core/deps.ts'
import type { ItemPath } from '#core/items/items.ts'

/** The dataset that files come to, as far as it decides where they are put. */
export interface UploadTarget {
  readonly datasetNo: number
  readonly orgId: string
  readonly driverId: string | null
  readonly kind: 'master' | 'clone' | 'merge'
  readonly isSystem: boolean
  readonly options: unknown
}

/** Reads the dataset that a file is for; throws `dataset.not_found`, `dataset.readonly`, `dataset.locked` before anything is read of the file. */
export async function findTarget(deps: Deps, datasetNo: number): Promise<UploadTarget> {
  const dataset = await requireWritable(deps.db, datasetNo)
  const { rows } = await deps.db.query<{ options: unknown }>('select options from dataset where dataset_no = $1', [
    datasetNo,
  ])
  return { ...dataset, options: rows[0]?.options ?? {} }
}

// By pool. Content types never change their number; one that is new to the table is found by its name where it matters.
const typesByPool = new WeakMap<object, Promise<MediaTypes>>()

/** The content types of file names, read once a process. */
export function mediaTypes(deps: Deps): Promise<MediaTypes> {
  let types = typesByPool.get(deps.db)
  if (types === undefined) {
    types = MediaTypes.load(deps.db)
    typesByPool.set(deps.db, types)
    types.catch(() => typesByPool.delete(deps.db))
  }
  return types
}

/** Number of the item at a path; null where there is none. */
export async function findItemAt(deps: Deps, datasetNo: number, { path, name }: ItemPath): Promise<string | null> {
  const { rows } = await deps.db.query<{ no: string }>(
    `select item_no::text as no from item
      where dataset_no = $1 and dir_no = (select dir_no from dir where dataset_no = $1 and path = $2) and name = $3`,
    [datasetNo, path, name],
  )
  return rows[0]?.no ?? null
}
