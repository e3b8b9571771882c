import type { Db } from '#db/connect.ts'

/** Keys that are sampled: a few for each listing request there may be at once. */
const KEYS_MAX = 256

/**
 * Keys of a dataset, about evenly spread over its items, to share a re-scan out without asking the storage where keys are. A folder and a segment of a
 * large folder hold some hundred items each, so both count the same. In the storage's terms: with the driver's folder in front.
 */
export async function sampleKeys(db: Db, datasetNo: number, folder: string): Promise<Buffer[]> {
  const { rows } = await db.query<{ key: string }>(
    `with units as (
       select n.last_dir_no as dirs, (select count(*) from dir_segment s where s.dataset_no = $1) as segments
         from dataset_numbers n where n.dataset_no = $1
     ), step as (select greatest(1, (dirs + segments) / $2)::int as n from units)
     select d.path as key from units, step, generate_series(2, units.dirs, step.n) g (dir_no)
       join dir d on d.dataset_no = $1 and d.dir_no = g.dir_no where d.deep_items > 0
     union all
     select d.path || s.last_name
       from (select dir_no, last_name, row_number() over (order by dir_no, last_name) as place from dir_segment where dataset_no = $1) s
       join step on s.place % step.n = 0
       join dir d on d.dataset_no = $1 and d.dir_no = s.dir_no`,
    [datasetNo, KEYS_MAX],
  )
  return rows.map(({ key }) => Buffer.from(folder + key)).sort(Buffer.compare)
}
