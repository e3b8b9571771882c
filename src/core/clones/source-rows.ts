import type { DbClient } from '#db/connect.ts'

/** An item as it is copied: everything that is said of it, and where its object is. */
export interface SourceRow {
  readonly itemNo: string
  readonly path: string
  readonly name: string
  readonly sizeBytes: number
  /** Times as the database writes them, so that no microsecond is lost. */
  readonly modifiedAt: string | null
  readonly missingAt: string | null
  readonly modifiedMs: number | null
  readonly typeNo: number
  readonly state: number
  readonly flags: number
  readonly etag: Buffer
  readonly metadata: Readonly<Record<string, unknown>> | null
  readonly description: string | null
  /** Key of its object in the bucket of `driverId`, or in the platform's own store where that is null. */
  readonly objectKey: string
  readonly driverId: string | null
}

/** Reads items for copying, in the order of their numbers; those that are gone, or have no object of any kind, are left out. */
export async function readSources(tx: DbClient, datasetNo: number, itemNos: readonly string[]): Promise<SourceRow[]> {
  const { rows } = await tx.query<SourceRow>(
    `select i.item_no::text as "itemNo", d.path, i.name, i.size_bytes as "sizeBytes", i.modified_at::text as "modifiedAt", i.missing_at::text as "missingAt",
            (extract(epoch from i.modified_at) * 1000)::float8 as "modifiedMs", i.type_no as "typeNo", i.state, i.flags, i.etag, i.metadata, i.description,
            coalesce(i.object_key, v.folder || d.path || i.name) as "objectKey", coalesce(i.object_driver_id, s.driver_id) as "driverId"
       from item i
       join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no
       join dataset s on s.dataset_no = i.dataset_no
       left join driver v on v.id = s.driver_id
      where i.dataset_no = $1 and i.item_no = any($2::bigint[]) and (i.object_key is not null or v.id is not null)
      order by i.item_no`,
    [datasetNo, [...itemNos]],
  )
  return rows
}

/** The item at the end of a chain of clones. */
export interface Origin {
  readonly datasetNo: number
  readonly itemNo: string
}

/** Clones of clones, at the most, that are followed back. */
const CHAIN_MAX = 32

/** The first item each of these goes back to through clones, as far as those in between still exist; an item that is no clone is its own. */
export async function readRoots(
  tx: DbClient,
  datasetNo: number,
  itemNos: readonly string[],
): Promise<ReadonlyMap<string, Origin>> {
  const { rows } = await tx.query<{ start: string } & Origin>(
    `with recursive up (start, dataset_no, item_no, depth) as (
       select i.item_no, i.origin_dataset_no, i.origin_item_no, 1 from item i
        where i.dataset_no = $1 and i.item_no = any($2::bigint[]) and i.origin_item_no is not null
       union all
       select u.start, i.origin_dataset_no, i.origin_item_no, u.depth + 1
         from up u join item i on i.dataset_no = u.dataset_no and i.item_no = u.item_no
        where i.origin_item_no is not null and u.depth < ${CHAIN_MAX}
     )
     select distinct on (start) start::text as start, dataset_no as "datasetNo", item_no::text as "itemNo" from up order by start, depth desc`,
    [datasetNo, [...itemNos]],
  )
  const roots = new Map<string, Origin>(itemNos.map((itemNo) => [itemNo, { datasetNo, itemNo }]))
  for (const { start, ...origin } of rows) roots.set(start, origin)
  return roots
}
