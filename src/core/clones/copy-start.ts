import type { Command } from '#core/commands/commands.ts'
import { type Collections, type DatasetKind, requireWritable } from '#core/datasets/datasets.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { selectItems } from '#core/items/items.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { CopyOptions } from './copy.ts'
import type { CopySource, CopySpec } from './copy-task.ts'
import { readItemsQuery } from './selecting.ts'
import { putTask, type TaskKind } from './task-rows.ts'

/** What goes along with the items of a clone or merge. */
export interface CopyWishes {
  readonly withAnnotations: boolean
  readonly withMetadata: boolean
  readonly withStatus: boolean
}

/** A clone of a dataset as it is asked for. */
export interface CloneRequest extends CopyWishes {
  /** Of the new dataset; null: it goes into `targetNo`. */
  readonly name: string | null
  readonly targetNo: number | null
  /** Query over the items as it was sent; null: all files. */
  readonly filter: unknown
  /** Full path of a folder that everything is put below. */
  readonly targetDirectory: string | null
  /** Whether folders are left out; names that meet then get numbers. */
  readonly stripsFolders: boolean
}

/**
 * Starts a clone of a dataset: a virtual layer of new items that refer to the same objects; no byte is copied. Answers its command at once.
 *
 * That the name is taken fails the command, as the contract wants it. Throws `clone.no_target`, `clone.other_storage`, `clone.bound_target`, `query.invalid`,
 * `dataset.readonly`, `dataset.locked`.
 */
export async function startClone(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  request: CloneRequest,
): Promise<Command> {
  const query = readItemsQuery(request.filter)
  // A query that is wrong is refused here, not by a command that fails later.
  await selectItems(deps, datasetNo, query, '-1', 1)
  const options = {
    ...copyOptions(deps, request),
    folder: folderOf(request.targetDirectory),
    stripsFolders: request.stripsFolders,
    keepsCollections: request.targetNo === null,
  }
  return put(deps, caller, 'clone', {
    sources: [{ datasetNo, query }],
    targetNo: request.targetNo,
    name: request.name,
    options,
    shown: {},
  })
}

/** A clone of one item as it is asked for. */
export interface ItemCloneRequest extends CopyWishes {
  readonly targetNo: number
  /** Full path of the copy; null: that of the item. One that ends in a slash is a folder. */
  readonly filename: string | null
  /** Said of the copy besides what is copied. */
  readonly metadata: Readonly<Record<string, unknown>> | null
  readonly allowMany: boolean
}

/** Starts a clone of one item. Throws `item.not_found` and what `startClone` throws; that the path is taken fails the command. */
export async function startItemClone(
  deps: Deps,
  caller: Caller,
  from: { readonly datasetNo: number; readonly itemNo: string },
  request: ItemCloneRequest,
): Promise<Command> {
  const { rows } = await deps.db.query<{ path: string; name: string }>(
    `select d.path, i.name from item i join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no
      where i.dataset_no = $1 and i.item_no = $2`,
    [from.datasetNo, from.itemNo],
  )
  const item = rows[0]
  if (item === undefined) throw new AppError('item.not_found')
  const options: CopyOptions = {
    ...copyOptions(deps, request),
    ownFolder: null,
    filename: request.filename === null ? item : placeAt(request.filename, item.name),
    metadata: request.metadata !== null && Object.keys(request.metadata).length > 0 ? request.metadata : null,
    meeting: request.allowMany ? 'many' : 'once',
    keepsCollections: from.datasetNo === request.targetNo,
  }
  return put(deps, caller, 'clone-item', {
    sources: [{ datasetNo: from.datasetNo, itemNos: [from.itemNo] }],
    targetNo: request.targetNo,
    name: null,
    options,
    shown: {},
  })
}

/**
 * Starts a merge of datasets into a new one: clones of one master are joined item by item, others are added up (CM-08). Throws `clone.other_storage`,
 * `merge.other_recipes`; that the name is taken fails the command.
 */
export async function startMerge(
  deps: Deps,
  caller: Caller,
  datasetNos: readonly number[],
  request: CopyWishes & { readonly name: string; readonly shown: Readonly<Record<string, unknown>> },
): Promise<Command> {
  const roots = new Set<number>()
  for (const datasetNo of datasetNos) roots.add(await rootOf(deps.db, datasetNo))
  const isRelated = datasetNos.length > 1 && roots.size === 1
  const options: CopyOptions = {
    ...copyOptions(deps, request),
    meeting: isRelated ? 'join' : 'many',
    keepsCollections: datasetNos.length === 1,
  }
  const query = readItemsQuery(null)
  return put(deps, caller, 'merge', {
    sources: datasetNos.map((datasetNo) => ({ datasetNo, query })),
    targetNo: null,
    name: request.name,
    options,
    shown: request.shown,
  })
}

function copyOptions(deps: Deps, wishes: CopyWishes): CopyOptions {
  return {
    withAnnotations: wishes.withAnnotations,
    withMetadata: wishes.withMetadata,
    withStatus: wishes.withStatus,
    keepsCollections: false,
    folder: '',
    ownFolder: deps.config.hiddenFolder,
    filename: null,
    metadata: null,
    meeting: 'once',
  }
}

/** A folder's path as the table has it. */
function folderOf(text: string | null): string {
  const bare = (text ?? '').replace(/^\//, '').replace(/\/$/, '')
  return bare === '' ? '' : `${bare}/`
}

function placeAt(filename: string, ownName: string): { path: string; name: string } {
  const bare = filename.replace(/^\//, '')
  const slash = bare.lastIndexOf('/')
  return { path: bare.slice(0, slash + 1), name: bare.slice(slash + 1) || ownName }
}

interface DatasetFacts {
  readonly datasetNo: number
  readonly id: string
  readonly projectId: string
  readonly orgId: string
  readonly driverId: string | null
  readonly kind: DatasetKind
  readonly metadata: Readonly<Record<string, unknown>>
  readonly collections: Collections | null
}

async function readFacts(tx: Db, datasetNo: number): Promise<DatasetFacts> {
  const { rows } = await tx.query<DatasetFacts>(
    `select d.dataset_no as "datasetNo", d.id, d.project_id as "projectId", p.org_id as "orgId", d.driver_id as "driverId", d.kind, d.metadata,
            d.options -> 'collections' as collections
       from dataset d join project p on p.id = d.project_id where d.dataset_no = $1`,
    [datasetNo],
  )
  if (rows[0] === undefined) throw new AppError('dataset.not_found')
  return rows[0]
}

async function put(
  deps: Deps,
  caller: Caller,
  kind: TaskKind,
  asked: {
    readonly sources: readonly CopySource[]
    readonly targetNo: number | null
    readonly name: string | null
    readonly options: CopyOptions
    readonly shown: Readonly<Record<string, unknown>>
  },
): Promise<Command> {
  return withTransaction(deps.db, async (tx) => {
    const facts: DatasetFacts[] = []
    for (const { datasetNo } of asked.sources) facts.push(await readFacts(tx, datasetNo))
    const first = facts[0]!
    if (facts.some((other) => other.driverId !== first.driverId)) throw new AppError('clone.other_storage')
    if (new Set(facts.map(({ metadata }) => recipesOf(metadata).sort().join(' '))).size > 1)
      throw new AppError('merge.other_recipes')
    if (asked.targetNo !== null) await requireTarget(tx, asked.targetNo, first, asked.options.folder)
    else if (asked.name === null) throw new AppError('clone.no_target')
    const spec: CopySpec = {
      sources: asked.sources,
      options: asked.options,
      shown: asked.shown,
      made: asked.targetNo === null ? madeOf(kind, asked.name!, first, asked.options) : null,
    }
    const shown = { datasetId: first.id, ...asked.shown, ...(asked.name !== null && { name: asked.name }) }
    return putTask(deps, tx, { kind, caller, datasetNo: asked.targetNo, place: first, spec, shown })
  })
}

function madeOf(kind: TaskKind, name: string, from: DatasetFacts, options: CopyOptions): CopySpec['made'] {
  const { projectId, orgId, driverId } = from
  const recipes = recipesOf(from.metadata)
  const metadata = {
    ...(options.withMetadata && kind === 'clone' && from.metadata.user !== undefined && { user: from.metadata.user }),
    system: recipes.length > 0 ? { recipes } : {},
  }
  const isClone = kind === 'clone'
  const origin = {
    kind: isClone ? ('clone' as const) : ('merge' as const),
    datasetNo: isClone ? from.datasetNo : null,
    metadata,
    collections: options.keepsCollections ? (from.collections ?? {}) : {},
  }
  return { name, projectId, orgId, driverId, origin }
}

function recipesOf(metadata: DatasetFacts['metadata']): string[] {
  const recipes = (metadata.system as { recipes?: unknown } | undefined)?.recipes
  return Array.isArray(recipes) ? recipes.filter((id) => typeof id === 'string') : []
}

/** The target is of the same storage (CM-01 to CM-03), may be written, and its paths are its own. */
async function requireTarget(tx: Db, targetNo: number, from: DatasetFacts, folder: string): Promise<void> {
  const target = await requireWritable(tx, targetNo)
  if (target.driverId !== from.driverId) throw new AppError('clone.other_storage')
  // Into a mirror of a storage only what lies where the storage has it; the rest is seen when the items are copied.
  if (target.driverId !== null && target.kind === 'master' && folder !== '') throw new AppError('clone.bound_target')
}

/** Clones of clones, at the most, that are followed back. */
const CHAIN_MAX = 32

/** The first dataset that one goes back to through clones. */
async function rootOf(db: Db, datasetNo: number): Promise<number> {
  const { rows } = await db.query<{ root: number }>(
    `with recursive up (dataset_no, origin, depth) as (
       select dataset_no, origin_dataset_no, 0 from dataset where dataset_no = $1
       union all
       select u.origin, d.origin_dataset_no, u.depth + 1 from up u left join dataset d on d.dataset_no = u.origin
        where u.origin is not null and u.depth < ${CHAIN_MAX}
     )
     select dataset_no as root from up order by depth desc limit 1`,
    [datasetNo],
  )
  return rows[0]?.root ?? datasetNo
}
