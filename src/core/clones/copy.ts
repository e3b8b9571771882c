import {
  ensureFolder,
  FLAG_ARCHIVED,
  FLAG_HIDDEN,
  FLAG_UNADDRESSABLE,
  FolderChanges,
  hashObserved,
  LIVE,
  placeOf,
  RowHash,
} from '#core/catalog/catalog.ts'
import { pointsOfItems } from '#core/datasets/datasets.ts'
import type { Caller } from '#core/deps.ts'
import type { Writing } from '#core/items/items.ts'
import { reserveDataPoints } from '#core/quota/quota.ts'
import type { DbClient } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { copiedMetadata, joinMetadata, type MetadataOptions } from './copied-metadata.ts'
import { copyAnnotations } from './copy-annotations.ts'
import { numberedName } from './names.ts'
import { type Origin, readRoots, readSources, type SourceRow } from './source-rows.ts'

/** How items are copied. */
export interface CopyOptions extends MetadataOptions {
  readonly withAnnotations: boolean
  /** Whether annotations keep the state they have in tasks. */
  readonly withStatus: boolean
  /** Folder of the target that everything is put below: `''`, or ending in a slash. */
  readonly folder: string
  /** Whether the copies lie beside one another, whatever folders their sources are in. */
  readonly stripsFolders?: boolean
  /** The platform's own folder, which is left out; null: nothing is. */
  readonly ownFolder: string | null
  /** Where one single item is put; instead of its own path. */
  readonly filename: { readonly path: string; readonly name: string } | null
  /** Said of the copy besides what is copied. */
  readonly metadata: Readonly<Record<string, unknown>> | null
  /**
   * `once`: an item that the target has a copy of stays as it is there. `many`: there may be several. `join`: items that go back to the same one become one
   * item. A path that is taken by something else gives the copy a number, except that of a single item.
   */
  readonly meeting: 'once' | 'many' | 'join'
}

/** What one chunk came to: new items, and for each source that item of the target that stands for it. */
export interface Copied {
  readonly added: number
  readonly targets: ReadonlyMap<string, string>
}

interface Placed {
  readonly source: SourceRow
  readonly path: string
  name: string
  readonly hiddenFlag: number
  readonly origin: Origin
}

/**
 * Copies items of one dataset into another in a transaction of `writeItems`: rows only. Every copy refers to the object of its source, so no byte is read or
 * written anywhere (CM-11). The last thing its transaction writes; takes data points for the new items.
 *
 * `annotationNos` are numbers for the copies of the annotations, taken before. Errors: `item.path_invalid`, `item.exists`, `quota.exceeded`.
 */
export async function copyItems(
  writing: Writing,
  from: { readonly datasetNo: number; readonly itemNos: readonly string[] },
  annotationNos: readonly string[],
  caller: Caller,
  options: CopyOptions,
): Promise<Copied> {
  const { tx, dataset } = writing
  const sources = (await readSources(tx, from.datasetNo, from.itemNos)).filter((row) => !isOwn(row, options))
  const origins =
    options.meeting === 'join'
      ? await readRoots(
          tx,
          from.datasetNo,
          sources.map((row) => row.itemNo),
        )
      : new Map(sources.map((row) => [row.itemNo, { datasetNo: from.datasetNo, itemNo: row.itemNo }]))
  const known = options.meeting === 'many' ? new Map() : await readKnown(tx, dataset.datasetNo, [...origins.values()])
  const { fresh: sorted, targets, met } = sortOut(sources, origins, known, options)
  if (options.filename !== null) await requireSamePlace(tx, dataset.datasetNo, options.filename, [...met.values()])
  const bound = await boundTo(writing)
  const fresh = bound === null ? sorted : await onlyAbsent(tx, dataset.datasetNo, bound, sorted, targets)
  const added = await insertCopies(writing, fresh, caller, options, bound !== null)
  for (const [itemNo, target] of added) targets.set(itemNo, target)
  // Those of one chunk that go back to the same item have one copy, too.
  for (const [itemNo, first] of met) if (!targets.has(itemNo)) targets.set(itemNo, targets.get(first) ?? first)
  if (options.meeting === 'join') await joinInto(tx, dataset.datasetNo, sources, met, targets, options)
  let points = pointsOfItems(dataset, added.size)
  if (options.withAnnotations) {
    const receivers = options.meeting === 'join' ? targets : added
    points += await copyAnnotations(tx, from.datasetNo, dataset.datasetNo, receivers, annotationNos, options.withStatus)
  }
  await reserveDataPoints(tx, dataset.orgId, points)
  return { added: added.size, targets }
}

function isOwn({ path }: SourceRow, { ownFolder }: CopyOptions): boolean {
  return ownFolder !== null && path.split('/').includes(ownFolder)
}

/** Which items are new to the target; `met`: those that are not, with the item of the target, or of this chunk, that stands for them. */
function sortOut(
  sources: readonly SourceRow[],
  origins: ReadonlyMap<string, Origin>,
  known: ReadonlyMap<string, string>,
  options: CopyOptions,
) {
  const fresh: Placed[] = []
  const targets = new Map<string, string>()
  const met = new Map<string, string>()
  const firstOf = new Map<string, string>()
  for (const source of sources) {
    const origin = origins.get(source.itemNo)!
    const key = keyOf(origin)
    const stands = known.get(key) ?? (options.meeting === 'join' ? firstOf.get(key) : undefined)
    if (stands !== undefined) {
      met.set(source.itemNo, stands)
      continue
    }
    firstOf.set(key, source.itemNo)
    const { path, name } = options.filename ?? {
      path: options.folder + (options.stripsFolders === true ? '' : source.path),
      name: source.name,
    }
    const place = placeOf(Buffer.from(path + name), '\0')
    if (place.kind !== 'item') throw new AppError('item.path_invalid')
    fresh.push({ source, path: place.path, name: place.name, hiddenFlag: place.flags & FLAG_HIDDEN, origin })
  }
  return { fresh, targets, met }
}

function keyOf({ datasetNo, itemNo }: Origin): string {
  return `${datasetNo}:${itemNo}`
}

/** Items of the target that are copies of these, by their origin. */
async function readKnown(tx: DbClient, targetNo: number, origins: readonly Origin[]): Promise<Map<string, string>> {
  const { rows } = await tx.query<Origin & { no: string }>(
    `select i.origin_dataset_no as "datasetNo", i.origin_item_no::text as "itemNo", i.item_no::text as no
       from unnest($2::int[], $3::bigint[]) o (dataset_no, item_no)
       join item i on i.origin_dataset_no = o.dataset_no and i.origin_item_no = o.item_no
      where i.dataset_no = $1 order by i.item_no desc`,
    [targetNo, origins.map((origin) => origin.datasetNo), origins.map((origin) => origin.itemNo)],
  )
  return new Map(rows.map((row) => [keyOf(row), row.no]))
}

/** A single item that the target has already is the same request sent again only where its path is the one that is asked for. */
async function requireSamePlace(
  tx: DbClient,
  targetNo: number,
  { path, name }: { readonly path: string; readonly name: string },
  itemNos: readonly string[],
): Promise<void> {
  if (itemNos.length === 0) return
  const { rows } = await tx.query(
    `select 1 from item i join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no
      where i.dataset_no = $1 and i.item_no = any($2::bigint[]) and (d.path <> $3 or i.name <> $4)`,
    [targetNo, itemNos, path, name],
  )
  if (rows.length > 0) throw new AppError('clone.exists')
}

/** The folder of the storage that the target mirrors; null where its paths are its own. */
async function boundTo({ tx, dataset }: Writing): Promise<string | null> {
  if (dataset.driverId === null || dataset.kind !== 'master') return null
  const { rows } = await tx.query<{ folder: string }>('select folder from driver where id = $1', [dataset.driverId])
  return rows[0]?.folder ?? null
}

/**
 * Of items for a mirror of a storage those that it does not have yet; for the others, what it has at their place is the same file. Throws
 * `clone.bound_target` for one whose place is not where the storage has its file: the next sync would take it for gone.
 */
async function onlyAbsent(
  tx: DbClient,
  targetNo: number,
  folder: string,
  placed: readonly Placed[],
  targets: Map<string, string>,
): Promise<Placed[]> {
  if (placed.some(({ source, path, name }) => source.objectKey !== folder + path + name))
    throw new AppError('clone.bound_target')
  const { rows } = await tx.query<{ at: string; no: string }>(
    `select d.path || i.name as at, i.item_no::text as no from unnest($2::text[], $3::text[]) u (path, name)
       join dir d on d.dataset_no = $1 and d.path = u.path
       join item i on i.dataset_no = $1 and i.dir_no = d.dir_no and i.name = u.name`,
    [targetNo, placed.map(({ path }) => path), placed.map(({ name }) => name)],
  )
  const present = new Map(rows.map(({ at, no }) => [at, no]))
  return placed.filter(({ source, path, name }) => {
    const no = present.get(path + name)
    if (no !== undefined) targets.set(source.itemNo, no)
    return no === undefined
  })
}

/** Inserts the copies; answers the new number by the source's. */
async function insertCopies(
  { tx, dataset, ticket, nowMs }: Writing,
  placed: readonly Placed[],
  caller: Caller,
  options: CopyOptions,
  isBound: boolean,
): Promise<Map<string, string>> {
  if (placed.length === 0) return new Map()
  const { datasetNo } = dataset
  const dirs = await ensureFolders(tx, datasetNo, new Set(placed.map(({ path }) => path)))
  await giveFreeNames(tx, datasetNo, placed, dirs, options.filename !== null)
  const numbers = await takeItemNumbers(tx, datasetNo, nowMs, placed.length)
  const changes = new FolderChanges()
  const hash = new RowHash(datasetNo)
  const rows = placed.map(({ source, path, name, hiddenFlag, origin }, index) => {
    const dirNo = dirs.get(path)!
    changes.add(dirNo, 1, source.sizeBytes)
    if (source.state === LIVE) {
      const bytes = Buffer.from(name)
      hashObserved(hash, { ...source, name: bytes, isArchived: (source.flags & FLAG_ARCHIVED) !== 0 })
      changes.flip(dirNo, bytes, hash.high, hash.low)
    }
    const copied = copiedMetadata(source.metadata, options)
    return {
      item_no: numbers[index],
      dir_no: dirNo,
      name,
      size_bytes: source.sizeBytes,
      modified_at: source.modifiedAt,
      missing_at: source.missingAt,
      type_no: source.typeNo,
      state: source.state,
      // Whether an address can be made of it depends on its object's key, which stays.
      flags: hiddenFlag | (source.flags & (FLAG_UNADDRESSABLE | FLAG_ARCHIVED)),
      etag: source.etag.toString('hex'),
      // In a mirror of a storage the path is the key.
      object_key: isBound ? null : source.objectKey,
      object_driver_id: isBound ? null : source.driverId,
      metadata: joinMetadata(copied, options.metadata),
      description: options.withMetadata ? source.description : null,
      origin_dataset_no: origin.datasetNo,
      origin_item_no: origin.itemNo,
    }
  })
  await tx.query(
    `insert into item (dataset_no, ticket, creator_id, updater_id, item_no, dir_no, name, size_bytes, modified_at, missing_at, type_no, state, flags, etag,
                       object_key, object_driver_id, metadata, description, origin_dataset_no, origin_item_no)
     select $1, $2, $3, $3, r.item_no, r.dir_no, r.name, r.size_bytes, r.modified_at, r.missing_at, r.type_no, r.state, r.flags, decode(r.etag, 'hex'),
            r.object_key, r.object_driver_id, r.metadata, r.description, r.origin_dataset_no, r.origin_item_no
       from json_to_recordset($4) r (item_no bigint, dir_no int, name text, size_bytes bigint, modified_at timestamptz, missing_at timestamptz,
              type_no smallint, state smallint, flags smallint, etag text, object_key text, object_driver_id text, metadata jsonb, description text,
              origin_dataset_no int, origin_item_no bigint)`,
    [datasetNo, ticket, caller.userId, JSON.stringify(rows)],
  )
  await changes.write(tx, datasetNo)
  return new Map(placed.map(({ source }, index) => [source.itemNo, numbers[index]!]))
}

/** Numbers of these folders; those that are missing are made. */
async function ensureFolders(
  tx: DbClient,
  datasetNo: number,
  paths: ReadonlySet<string>,
): Promise<Map<string, number>> {
  const { rows } = await tx.query<{ no: number; path: string }>(
    'select dir_no as no, path from dir where dataset_no = $1 and path = any($2::text[])',
    [datasetNo, [...paths]],
  )
  const dirs = new Map(rows.map(({ path, no }) => [path, no]))
  for (const path of paths) if (!dirs.has(path)) dirs.set(path, await ensureFolder(tx, { datasetNo }, path))
  return dirs
}

/** So many new numbers, which carry the time in the way of all items; they grow. */
async function takeItemNumbers(tx: DbClient, datasetNo: number, nowMs: number, count: number): Promise<string[]> {
  const { rows } = await tx.query<{ last: string }>(
    `update dataset_numbers set last_item_no = greatest(last_item_no, ($2::bigint << 21) - 1) + $3 where dataset_no = $1 returning last_item_no::text as last`,
    [datasetNo, Math.floor(nowMs), count],
  )
  const first = BigInt(rows[0]!.last) - BigInt(count) + 1n
  return Array.from({ length: count }, (_, index) => String(first + BigInt(index)))
}

/** Gives copies whose path is taken a number; a single item's path was chosen, so there it is an error. */
async function giveFreeNames(
  tx: DbClient,
  datasetNo: number,
  placed: readonly Placed[],
  dirs: ReadonlyMap<string, number>,
  isChosen: boolean,
): Promise<void> {
  let open: readonly Placed[] = placed
  const given = new Set<string>()
  const wanted = new Map(placed.map((copy) => [copy, copy.name]))
  for (let number = 2; open.length > 0; number++) {
    const { rows } = await tx.query<{ dirNo: number; name: string }>(
      `select i.dir_no as "dirNo", i.name from unnest($2::int[], $3::text[]) u (dir_no, name)
         join item i on i.dataset_no = $1 and i.dir_no = u.dir_no and i.name = u.name`,
      [datasetNo, open.map(({ path }) => dirs.get(path)!), open.map(({ name }) => name)],
    )
    const taken = new Set(rows.map(({ dirNo, name }) => `${dirNo}/${name}`))
    const crowded: Placed[] = []
    for (const copy of open) {
      const at = `${dirs.get(copy.path)!}/${copy.name}`
      if (taken.has(at) || given.has(at)) crowded.push(copy)
      else given.add(at)
    }
    if (isChosen && crowded.length > 0) throw new AppError('item.exists')
    for (const copy of crowded) copy.name = numberedName(wanted.get(copy)!, number)
    open = crowded
  }
}

/** Adds what the sources say to the items that stand for them already. */
async function joinInto(
  tx: DbClient,
  targetNo: number,
  sources: readonly SourceRow[],
  met: ReadonlyMap<string, string>,
  targets: ReadonlyMap<string, string>,
  options: CopyOptions,
): Promise<void> {
  if (!options.withMetadata) return
  const said = sources.flatMap((source) => {
    const document = met.has(source.itemNo) ? copiedMetadata(source.metadata, options) : null
    return document === null ? [] : [{ no: targets.get(source.itemNo)!, document }]
  })
  if (said.length === 0) return
  const { rows } = await tx.query<{ no: string; metadata: Readonly<Record<string, unknown>> | null }>(
    `select item_no::text as no, metadata from item where dataset_no = $1 and item_no = any($2::bigint[]) order by item_no for update`,
    [targetNo, said.map(({ no }) => no)],
  )
  const joined = new Map(rows.map((row) => [row.no, row.metadata]))
  for (const { no, document } of said) if (joined.has(no)) joined.set(no, joinMetadata(joined.get(no)!, document))
  await tx.query(
    `update item i set metadata = r.metadata from json_to_recordset($2) r (no bigint, metadata jsonb) where i.dataset_no = $1 and i.item_no = r.no`,
    [targetNo, JSON.stringify([...joined].map(([no, metadata]) => ({ no, metadata })))],
  )
}
