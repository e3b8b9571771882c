import type { Command } from '#core/commands/commands.ts'
import { listCollections, requireWritable } from '#core/datasets/datasets.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { selectItems } from '#core/items/items.ts'
import { withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { EditSpec } from './edit-task.ts'
import { allFiles, readItemsQuery } from './selecting.ts'
import { putTask, type TaskKind } from './task-rows.ts'

type Json = Readonly<Record<string, unknown>>

/** Starts sharing out items to subsets by percent: `metadata.system.tags.<subset>` becomes true, and is taken away for the other ones. Throws `query.invalid`. */
export async function startSplit(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  request: { readonly query: unknown; readonly subsets: Readonly<Record<string, number>> },
): Promise<Command> {
  return put(deps, caller, 'split', datasetNo, { query: readItemsQuery(request.query), subsets: request.subsets })
}

/**
 * Starts a change of many items' metadata: a merge patch of each item's document, where null takes away. `metadata.system` is left out unless `withSystem`.
 * Throws `query.invalid`.
 */
export async function startMetadataUpdate(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  request: { readonly query: unknown; readonly metadata: Json; readonly withSystem: boolean },
): Promise<Command> {
  const { system, ...others } = request.metadata
  const patch = request.withSystem && system !== undefined ? { ...others, system } : others
  return put(deps, caller, 'metadata', datasetNo, { query: readItemsQuery(request.query), patch })
}

/** Starts putting items into collections; those that do not exist are made. Throws `query.invalid`; that there are too many fails the command. */
export async function startCollect(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  request: { readonly query?: unknown; readonly collections: readonly string[] },
): Promise<Command> {
  const query = readItemsQuery(request.query)
  return put(deps, caller, 'collect', datasetNo, { query, collections: [...new Set(request.collections)] })
}

/** Starts taking items out of collections. Throws `collection.not_found`, `query.invalid`. */
export async function startUncollect(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  request: { readonly query?: unknown; readonly collections: readonly string[] },
): Promise<Command> {
  const keys = await keysOf(deps, datasetNo, request.collections)
  return put(deps, caller, 'uncollect', datasetNo, { query: readItemsQuery(request.query), keys })
}

/** Starts deleting a collection: its items leave it, then it is forgotten. Throws `collection.not_found`. */
export async function startCollectionDelete(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  name: string,
): Promise<Command> {
  const keys = await keysOf(deps, datasetNo, [name])
  const query = { filter: { $and: [{ [`metadata.system.collections.${keys[0]}`]: true }] } }
  return put(deps, caller, 'drop-collection', datasetNo, { query, keys })
}

async function keysOf(deps: Deps, datasetNo: number, names: readonly string[]): Promise<string[]> {
  const collections = await listCollections(deps.db, datasetNo)
  const byName = new Map(Object.entries(collections).map(([key, name]) => [name, key]))
  return names.map((name) => {
    const key = byName.get(name)
    if (key === undefined) throw new AppError('collection.not_found')
    return key
  })
}

async function put(deps: Deps, caller: Caller, kind: TaskKind, datasetNo: number, spec: EditSpec): Promise<Command> {
  // A query that is wrong is refused here, not by a command that fails later.
  if (spec.query !== allFiles) await selectItems(deps, datasetNo, spec.query, '-1', 1)
  return withTransaction(deps.db, async (tx) => {
    const dataset = await requireWritable(tx, datasetNo)
    const shown = { datasetId: dataset.datasetId }
    return putTask(deps, tx, { kind, caller, datasetNo, place: dataset, spec, shown })
  })
}
