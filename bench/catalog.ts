import type { DbPool } from '#db/connect.ts'
import type { SetSum } from './replay/entry.ts'

// The reverse of `packEtag` (src/lib/etag.ts) in SQL.
const etagText = `case
  when octet_length(i.etag) = 16 then encode(i.etag, 'hex')
  when octet_length(i.etag) = 17 and get_byte(i.etag, 16) = 0 then convert_from(substring(i.etag from 2 for 15), 'latin1')
  else convert_from(substring(i.etag from 2), 'latin1') end`

/** What of a dataset's rows is summed up. */
export interface SumOptions {
  /** Schema of the tables `item` and `dir`; Sluice's own unless said. */
  readonly schema?: string
  /** `item.state`: 0 live, the default, or 1 missing in the storage. */
  readonly state?: 0 | 1
}

/** What a dataset holds, summed up by the database from the rows themselves; comparable with `oracleOf`. */
export async function sumOfDataset(
  pool: DbPool,
  datasetNo: number,
  { schema = 'public', state = 0 }: SumOptions = {},
): Promise<SetSum> {
  const { rows } = await pool.query<{ count: number; bytes: string; checksum: string }>(
    `select count(*) as count, coalesce(sum(size_bytes), 0)::text as bytes,
       coalesce(sum(('x' || substr(md5(convert_to(d.path || i.name || '|' || i.size_bytes || '|' || ${etagText}, 'utf8')), 1, 12))::bit(48)::bigint), 0)::text as checksum
     from ${schema}.item i join ${schema}.dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no
     where i.dataset_no = $1 and i.state = $2`,
    [datasetNo, state],
  )
  const row = rows[0]!
  return { count: row.count, bytes: Number(row.bytes), checksum: row.checksum }
}

/** Throws unless the counters of the root folder, and those of all folders together, agree with the rows. */
export async function expectCounters(pool: DbPool, datasetNo: number, truth: SetSum): Promise<void> {
  const { rows } = await pool.query<{ own: number; deep: number; deepBytes: string }>(
    `select coalesce(sum(items), 0)::bigint as own, max(deep_items) filter (where path = '') as deep,
       max(deep_bytes) filter (where path = '')::text as "deepBytes"
     from dir where dataset_no = $1`,
    [datasetNo],
  )
  const row = rows[0]!
  if (row.own !== truth.count || row.deep !== truth.count || Number(row.deepBytes) !== truth.bytes) {
    throw new Error(
      `folder counters are wrong: ${row.own} own, ${row.deep} deep, ${row.deepBytes} bytes instead of ${truth.count}, ${truth.bytes} bytes`,
    )
  }
}

/** Throws unless the counters of every folder agree with its rows, live and missing ones together, and the root's with all. */
export async function expectFolderCounters(pool: DbPool, datasetNo: number): Promise<void> {
  const { rows } = await pool.query<{ wrong: number }>(
    `with own as (
       select dir_no, count(*) as items, sum(size_bytes) as bytes from item where dataset_no = $1 group by dir_no
     ), whole as (
       select coalesce(sum(items), 0) as items, coalesce(sum(bytes), 0) as bytes from own
     )
     select count(*) as wrong
       from dir d cross join whole w left join own o on o.dir_no = d.dir_no
      where d.dataset_no = $1
        and ((d.items, d.bytes) is distinct from (coalesce(o.items, 0), coalesce(o.bytes, 0))
             or (d.path = '' and (d.deep_items, d.deep_bytes) is distinct from (w.items, w.bytes)))`,
    [datasetNo],
  )
  if (rows[0]!.wrong > 0) throw new Error(`the counters of ${rows[0]!.wrong} folders do not agree with their rows`)
}

/** The number that the tables know a dataset by. */
export async function datasetNoOf(pool: DbPool, datasetId: string): Promise<number> {
  const { rows } = await pool.query<{ no: number }>('select dataset_no as no from dataset where id = $1', [datasetId])
  return rows[0]!.no
}
