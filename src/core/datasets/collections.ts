import type { Db, DbClient } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'

/** Collections of one dataset, at the most: as many slots as queries know (`collections0` to `collections9`). */
export const COLLECTIONS_MAX = 10

/** The collections of a dataset: name by key, `c0` to `c9`. An item is in one when its `metadata.system.collections.<key>` is true. */
export type Collections = Readonly<Record<string, string>>

/** The collections of a dataset, in the order of their keys. */
export async function listCollections(db: Db, datasetNo: number): Promise<Collections> {
  return readCollections(db, datasetNo, '')
}

/** The key of a collection that is made now. Throws `collection.name_taken` and `collection.too_many`. */
export async function addCollection(tx: DbClient, datasetNo: number, name: string): Promise<string> {
  const collections = await lockCollections(tx, datasetNo)
  if (keyOf(collections, name) !== undefined) throw new AppError('collection.name_taken')
  return add(tx, datasetNo, collections, name)
}

/** Keys of collections by their names, in the given order; those that do not exist are made. Throws `collection.too_many`. */
export async function ensureCollections(tx: DbClient, datasetNo: number, names: readonly string[]): Promise<string[]> {
  let collections = await lockCollections(tx, datasetNo)
  const keys: string[] = []
  for (const name of names) {
    const known = keyOf(collections, name)
    const key = known ?? (await add(tx, datasetNo, collections, name))
    if (known === undefined) collections = { ...collections, [key]: name }
    keys.push(key)
  }
  return keys
}

/** Gives a collection another name; answers its key. Throws `collection.not_found` and `collection.name_taken`. */
export async function renameCollection(
  tx: DbClient,
  datasetNo: number,
  name: string,
  newName: string,
): Promise<string> {
  const collections = await lockCollections(tx, datasetNo)
  const key = keyOf(collections, name)
  if (key === undefined) throw new AppError('collection.not_found')
  const other = keyOf(collections, newName)
  if (other !== undefined && other !== key) throw new AppError('collection.name_taken')
  await save(tx, datasetNo, { ...collections, [key]: newName })
  return key
}

/** Forgets a collection whose items have left it; its key is free again. */
export async function removeCollection(tx: DbClient, datasetNo: number, key: string): Promise<void> {
  const collections = await lockCollections(tx, datasetNo)
  await save(tx, datasetNo, Object.fromEntries(Object.entries(collections).filter(([each]) => each !== key)))
}

async function add(tx: DbClient, datasetNo: number, collections: Collections, name: string): Promise<string> {
  const slots = Array.from({ length: COLLECTIONS_MAX }, (_, index) => `c${index}`)
  const key = slots.find((slot) => !Object.hasOwn(collections, slot))
  if (key === undefined) throw new AppError('collection.too_many')
  await save(tx, datasetNo, { ...collections, [key]: name })
  return key
}

function keyOf(collections: Collections, name: string): string | undefined {
  return Object.entries(collections).find(([, each]) => each === name)?.[0]
}

/** With the dataset's row locked, so that of two who make a collection at once neither overwrites the other. */
function lockCollections(tx: DbClient, datasetNo: number): Promise<Collections> {
  return readCollections(tx, datasetNo, 'for no key update')
}

async function readCollections(db: Db, datasetNo: number, lock: '' | 'for no key update'): Promise<Collections> {
  const { rows } = await db.query<{ collections: Collections | null }>(
    `select options -> 'collections' as collections from dataset where dataset_no = $1 ${lock}`,
    [datasetNo],
  )
  if (rows[0] === undefined) throw new AppError('dataset.not_found')
  return rows[0].collections ?? {}
}

async function save(tx: DbClient, datasetNo: number, collections: Collections): Promise<void> {
  await tx.query(
    `update dataset set options = options || jsonb_build_object('collections', $2::jsonb), updated_at = now() where dataset_no = $1`,
    [datasetNo, JSON.stringify(collections)],
  )
}
