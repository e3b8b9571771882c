// The re-sync everybody writes first: every listed object is written over its row, together with the time it was last seen, 5,000 a statement;
// then whatever was not seen is marked missing.
import { report, runArgs } from '../run-node.ts'
import { walkBucket } from './bucket-walk.ts'
import { type PeerArgs, type PeerRow, PeerTables } from './peer-rows.ts'

const rowsPerStatement = 5_000
/** Statements that may wait before the listing does. */
const waitingMax = 4

const args = runArgs<PeerArgs>()
const { schema, datasetNo, generation } = args
const tables = await PeerTables.open(args)
let rows: PeerRow[] = []
let waiting = 0
let written: Promise<unknown> = Promise.resolve()

const upsert = `insert into ${schema}.item (item_no, size_bytes, modified_at, ticket, dataset_no, dir_no, type_no, name, etag, last_seen)
  select nextval('${schema}.item_number'), r.size_bytes, to_timestamp(r.modified_ms / 1000), $7, $6, r.dir_no, 1, r.name,
         decode(r.etag, 'hex'), $7
    from unnest($1::int[], $2::text[], $3::bigint[], $4::float8[], $5::text[]) r (dir_no, name, size_bytes, modified_ms, etag)
  on conflict (dataset_no, dir_no, name) do update
     set size_bytes = excluded.size_bytes, modified_at = excluded.modified_at, ticket = excluded.ticket, etag = excluded.etag,
         state = 0, last_seen = excluded.last_seen`

/** Puts a batch behind those before it: one connection, as a loop over pages has. */
function write(batch: readonly PeerRow[]): void {
  waiting += 1
  written = written.then(async () => {
    await tables.pool.query({
      name: 'upsert',
      text: upsert,
      values: [
        batch.map((row) => row.dirNo),
        batch.map((row) => row.name),
        batch.map((row) => row.sizeBytes),
        batch.map((row) => row.modifiedMs),
        batch.map((row) => row.etagHex),
        datasetNo,
        generation,
      ],
    })
    waiting -= 1
  })
  written.catch(() => {})
}

await report(async () => {
  let units = 0
  const requests = await walkBucket(
    args,
    (entry) => {
      units += 1
      rows.push(tables.row(entry))
      if (rows.length < rowsPerStatement) return
      write(rows)
      rows = []
    },
    async () => {
      while (waiting > waitingMax) await written
    },
  )
  write(rows)
  await written
  await tables.pool.query(
    `update ${schema}.item set state = 1 where dataset_no = $1 and state = 0 and last_seen < $2`,
    [datasetNo, generation],
  )
  return { units, requests }
})
