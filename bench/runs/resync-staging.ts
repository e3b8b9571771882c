// The re-sync of the better tools: the whole listing is copied into an unlogged table without indexes, then three statements over all of it
// write the differences: changed, new, missing.
import { once } from 'node:events'
import pgCopy from 'pg-copy-streams'
import { report, runArgs } from '../run-node.ts'
import { walkBucket } from './bucket-walk.ts'
import { type PeerArgs, type PeerRow, PeerTables } from './peer-rows.ts'

/** One chunk a row would make COPY many times slower (issue 127 of pg-copy-streams). */
const charactersPerChunk = 128 * 1024

const args = runArgs<PeerArgs>()
const { schema, datasetNo, generation } = args
const tables = await PeerTables.open(args)
const client = await tables.pool.connect()

// Memory enough for the joins to stay in it, which is the setting such a job is run with.
await client.query(`set work_mem = '256MB'`)

const written: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }
const line = ({ dirNo, name, sizeBytes, modifiedMs, etagHex }: PeerRow) =>
  `${dirNo}\t${name.replace(/[\\\t\n\r]/g, (c) => written[c]!)}\t${sizeBytes}\t${new Date(modifiedMs).toISOString()}\t\\\\x${etagHex}\n`

async function stage(): Promise<{ units: number; requests: number }> {
  await client.query(
    `create unlogged table ${schema}.stage (dir_no int, name text collate "C", size_bytes bigint, modified_at timestamptz, etag bytea)`,
  )
  const copy = client.query(pgCopy.from(`copy ${schema}.stage from stdin`))
  const ended = once(copy, 'finish')
  ended.catch(() => {})
  let units = 0
  let text = ''
  // One wait for all pages that come meanwhile.
  let room: Promise<unknown> | null = null
  const requests = await walkBucket(
    args,
    (entry) => {
      units += 1
      text += line(tables.row(entry))
    },
    async () => {
      if (text.length >= charactersPerChunk) {
        copy.write(text)
        text = ''
      }
      if (!copy.writableNeedDrain) return
      room ??= Promise.race([once(copy, 'drain'), ended]).finally(() => {
        room = null
      })
      await room
    },
  )
  copy.end(text)
  await ended
  return { units, requests }
}

async function merge(): Promise<void> {
  await client.query(`analyze ${schema}.stage`)
  await client.query(
    `update ${schema}.item i
        set size_bytes = s.size_bytes, modified_at = s.modified_at, etag = s.etag, ticket = $2, state = 0
       from ${schema}.stage s
      where i.dataset_no = $1 and i.dir_no = s.dir_no and i.name = s.name
        and (i.etag <> s.etag or i.size_bytes <> s.size_bytes or i.modified_at is distinct from s.modified_at or i.state <> 0)`,
    [datasetNo, generation],
  )
  await client.query(
    `insert into ${schema}.item (item_no, size_bytes, modified_at, ticket, dataset_no, dir_no, type_no, name, etag)
     select nextval('${schema}.item_number'), s.size_bytes, s.modified_at, $2, $1, s.dir_no, 1, s.name, s.etag
       from ${schema}.stage s
      where not exists (select from ${schema}.item i where i.dataset_no = $1 and i.dir_no = s.dir_no and i.name = s.name)`,
    [datasetNo, generation],
  )
  await client.query(
    `update ${schema}.item i set state = 1
      where i.dataset_no = $1 and i.state = 0
        and not exists (select from ${schema}.stage s where s.dir_no = i.dir_no and s.name = i.name)`,
    [datasetNo],
  )
  await client.query(`drop table ${schema}.stage`)
}

await report(async () => {
  const listed = await stage()
  await client.query('begin')
  await merge()
  await client.query('commit')
  return listed
})
