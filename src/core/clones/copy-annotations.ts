import type { DbClient } from '#db/connect.ts'

/** The numbers that were taken for copies do not suffice, because somebody annotated meanwhile; the chunk is done again. */
export class TooFewNumbers extends Error {}

/** How many annotations items of a dataset have. */
export async function countAnnotationsOf(
  tx: Pick<DbClient, 'query'>,
  datasetNo: number,
  itemNos: readonly string[],
): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    'select count(*) as count from annotation where dataset_no = $1 and item_no = any($2::bigint[])',
    [datasetNo, [...itemNos]],
  )
  return rows[0]!.count
}

/**
 * Copies the annotations of items to the items that stand for them in another dataset, in the order they were made, and counts them there. Who made them is
 * kept; the time is that of the copy, because ids and times of annotations have one order. Annotations that belong to others keep belonging to them.
 * Answers the data points that the copies use, for the caller to take.
 */
export async function copyAnnotations(
  tx: DbClient,
  fromNo: number,
  toNo: number,
  itemNos: ReadonlyMap<string, string>,
  numbers: readonly string[],
  withStatus: boolean,
): Promise<number> {
  const { rows } = await tx.query<{ no: string; item: string }>(
    `select annotation_no::text as no, item_no::text as item from annotation
      where dataset_no = $1 and item_no = any($2::bigint[]) order by annotation_no`,
    [fromNo, [...itemNos.keys()]],
  )
  if (rows.length === 0) return 0
  if (rows.length > numbers.length) throw new TooFewNumbers()
  const copies = await tx.query<{ points: number }>(
    `with pair (old_no, new_no, item_no) as (select * from unnest($3::bigint[], $4::bigint[], $5::bigint[])),
     named as (select p.*, lpad(to_hex($1::int), 8, '0') || lpad(to_hex(p.old_no), 16, '0') as old_id,
                      lpad(to_hex($2::int), 8, '0') || lpad(to_hex(p.new_no), 16, '0') as new_id from pair p),
     made as (
     insert into annotation (dataset_no, annotation_no, item_no, type, label, attributes, coordinates, metadata, source, hash, description, suggestions,
                             creator_id, updater_id)
     select $2, n.new_no, n.item_no, a.type, a.label, a.attributes, a.coordinates,
            case when m.new_id is null then s.metadata else jsonb_set(s.metadata, '{system,parentId}', to_jsonb(m.new_id)) end,
            a.source, a.hash, a.description, a.suggestions, a.creator_id, a.updater_id
       from named n
       join annotation a on a.dataset_no = $1 and a.annotation_no = n.old_no
       cross join lateral (select case when $6 then a.metadata else a.metadata #- '{system,status}' end as metadata) s
       left join named m on m.old_id = a.metadata #>> '{system,parentId}'
      order by n.new_no returning points)
     select sum(points)::bigint as points from made`,
    [
      fromNo,
      toNo,
      rows.map(({ no }) => no),
      numbers.slice(0, rows.length),
      rows.map(({ item }) => itemNos.get(item)!),
      withStatus,
    ],
  )
  const { points } = copies.rows[0]!
  await countCopies(
    tx,
    toNo,
    rows.map(({ item }) => itemNos.get(item)!),
    points,
  )
  return points
}

/** Adds to the counters of items and of their dataset, one for each mention of an item. */
async function countCopies(
  tx: DbClient,
  datasetNo: number,
  mentions: readonly string[],
  points: number,
): Promise<void> {
  const counts = new Map<string, number>()
  for (const no of mentions) counts.set(no, (counts.get(no) ?? 0) + 1)
  const { rows } = await tx.query<{ no: string; annotations: number }>(
    `select item_no::text as no, coalesce(annotations, 0) as annotations from item
      where dataset_no = $1 and item_no = any($2::bigint[]) order by item_no for no key update`,
    [datasetNo, [...counts.keys()]],
  )
  await tx.query(
    `update item i set annotations = coalesce(i.annotations, 0) + c.n from unnest($2::bigint[], $3::int[]) c (item_no, n)
      where i.dataset_no = $1 and i.item_no = c.item_no`,
    [datasetNo, [...counts.keys()], [...counts.values()]],
  )
  await tx.query(
    'update dataset set annotations = annotations + $2, annotated = annotated + $3, annotation_points = annotation_points + $4 where dataset_no = $1',
    [datasetNo, mentions.length, rows.filter(({ annotations }) => annotations === 0).length, points],
  )
}
