// Datasets made of rows, without a bucket or a sync; for tests of what reads the catalog.
import { createHash, randomBytes } from 'node:crypto'
import mime from 'mime'
import { fingerprintText, hashObserved, RowHash } from '#core/catalog/catalog.ts'
import type { DbPool } from '#db/connect.ts'
import { packEtag } from '#lib/etag.ts'
import { itemId, newId } from '#lib/ids.ts'

/** One object to be an item. What is left out is made up from the key. */
export interface SeedItem {
  /** Key below the driver's folder. */
  readonly key: string
  readonly sizeBytes?: number
  readonly etag?: string
  readonly modifiedMs?: number
  /** 0 live, 1 missing, 2 kept out by patterns. */
  readonly state?: number
  /** Since when it is missing; the seeds' own time unless said. */
  readonly missingMs?: number
  /** Added to what the key says: 4 archived, 8 changed in the storage. */
  readonly flags?: number
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly createdMs?: number
  readonly updatedMs?: number
}

/** Where a seeded dataset belongs; what is left out is made. */
export interface SeedPlace {
  readonly projectId?: string
  readonly creatorId?: string
  readonly driverId?: string
  readonly name?: string
}

/** A seeded dataset. */
export interface SeededDataset {
  readonly datasetNo: number
  readonly datasetId: string
  readonly projectId: string
  /** Public id of the item with this key. */
  idOf(key: string): string
}

/** Creation time of seeded items unless they say: 2026-01-01. */
export const SEED_MS = Date.UTC(2026, 0, 1)

/** Makes a dataset with these items, its folders and their counters; keys given as texts get a size and an etag of their own. */
export async function seedDataset(
  pool: DbPool,
  objects: readonly (string | SeedItem)[],
  place: SeedPlace = {},
): Promise<SeededDataset> {
  const items = objects.map((object) => (typeof object === 'string' ? { key: object } : object))
  const { datasetNo, datasetId, projectId } = await seedPlace(pool, place)
  const dirs = foldersOf(items)
  addFingerprints(datasetNo, items, dirs)
  await insertDirs(pool, datasetNo, [...dirs.values()])
  const types = await typeNumbers(pool, items)
  const lastNo = (BigInt(Math.max(0, ...items.map((item) => item.createdMs ?? SEED_MS))) << 21n) + BigInt(items.length)
  await pool.query('insert into dataset_numbers (dataset_no, last_item_no, last_dir_no) values ($1, $2, $3)', [
    datasetNo,
    String(lastNo),
    dirs.size,
  ])
  const numbers = new Map<string, bigint>()
  const rows = items.map((item, index) => {
    const { path, name } = splitKey(item.key)
    const itemNo = (BigInt(item.createdMs ?? SEED_MS) << 21n) + BigInt(index)
    numbers.set(item.key, itemNo)
    return {
      item_no: String(itemNo),
      size_bytes: sizeOf(item),
      modified_ms: modifiedOf(item),
      missing_ms: item.state === 1 ? (item.missingMs ?? SEED_MS) : null,
      updated_ms: item.updatedMs ?? null,
      dir_no: dirs.get(path)!.dirNo,
      type_no: types.get(typeOf(name))!,
      state: item.state ?? 0,
      flags: flagsOf(item.key) + (item.flags ?? 0),
      name,
      etag: etagOf(item).toString('hex'),
      metadata: item.metadata ?? null,
    }
  })
  for (let at = 0; at < rows.length; at += 10_000) {
    await pool.query(
      `insert into item (item_no, size_bytes, modified_at, updated_at, ticket, dataset_no, dir_no, type_no, state, flags, name, etag, metadata, missing_at)
       select r.item_no, r.size_bytes, to_timestamp(r.modified_ms / 1000), to_timestamp(r.updated_ms / 1000), 1, $1, r.dir_no, r.type_no,
              r.state, r.flags, r.name, decode(r.etag, 'hex'), r.metadata, to_timestamp(r.missing_ms / 1000)
       from json_to_recordset($2) r (item_no bigint, size_bytes bigint, modified_ms float8, missing_ms float8, updated_ms float8, dir_no int, type_no smallint,
                                     state smallint, flags smallint, name text, etag text, metadata jsonb)`,
      [datasetNo, JSON.stringify(rows.slice(at, at + 10_000))],
    )
  }
  return { datasetNo, datasetId, projectId, idOf: (key) => itemId(datasetNo, numbers.get(key)!) }
}

async function seedPlace(pool: DbPool, place: SeedPlace) {
  const nowMs = Date.now()
  const unique = randomBytes(6).toString('hex')
  let { creatorId, projectId } = place
  if (creatorId === undefined) {
    const { rows } =
      projectId === undefined
        ? { rows: [] }
        : await pool.query('select creator_id from project where id = $1', [projectId])
    creatorId = rows[0]?.creator_id ?? newId(nowMs)
    await pool.query('insert into user_account (id, email) values ($1, $2) on conflict do nothing', [
      creatorId,
      `seed-${unique}@example.com`,
    ])
  }
  if (projectId === undefined) {
    const orgId = newId(nowMs)
    projectId = newId(nowMs)
    await pool.query('insert into org (id, name, creator_id) values ($1, $2, $3)', [orgId, `org ${unique}`, creatorId])
    await pool.query('insert into project (id, org_id, name, creator_id) values ($1, $2, $3, $4)', [
      projectId,
      orgId,
      `project ${unique}`,
      creatorId,
    ])
  }
  const datasetId = newId(nowMs)
  const { rows } = await pool.query<{ dataset_no: number }>(
    `insert into dataset (id, project_id, driver_id, name, creator_id, updater_id) values ($1, $2, $3, $4, $5, $5) returning dataset_no`,
    [datasetId, projectId, place.driverId ?? null, place.name ?? `dataset ${unique}`, creatorId],
  )
  return { datasetNo: rows[0]!.dataset_no, datasetId, projectId }
}

interface SeedDir {
  readonly dirNo: number
  readonly parentNo: number
  readonly path: string
  readonly name: string
  items: number
  bytes: number
  deepItems: number
  deepBytes: number
  fp: bigint
}

function foldersOf(items: readonly SeedItem[]): Map<string, SeedDir> {
  const dirs = new Map<string, SeedDir>()
  const ensure = (path: string): SeedDir => {
    const known = dirs.get(path)
    if (known !== undefined) return known
    const parent = path === '' ? null : ensure(path.slice(0, path.slice(0, -1).lastIndexOf('/') + 1))
    const dir = {
      dirNo: dirs.size + 1,
      parentNo: parent?.dirNo ?? 0,
      path,
      name: parent === null ? '' : path.slice(parent.path.length, -1),
      items: 0,
      bytes: 0,
      deepItems: 0,
      deepBytes: 0,
      fp: 0n,
    }
    dirs.set(path, dir)
    return dir
  }
  ensure('')
  for (const item of items) {
    const own = ensure(splitKey(item.key).path)
    own.items++
    own.bytes += sizeOf(item)
    for (let path: string | null = own.path; path !== null; ) {
      const dir = ensure(path)
      dir.deepItems++
      dir.deepBytes += sizeOf(item)
      path = path === '' ? null : path.slice(0, path.slice(0, -1).lastIndexOf('/') + 1)
    }
  }
  return dirs
}

/** A folder's fingerprint is made of its live items. */
function addFingerprints(datasetNo: number, items: readonly SeedItem[], dirs: ReadonlyMap<string, SeedDir>): void {
  const hash = new RowHash(datasetNo)
  for (const item of items) {
    if ((item.state ?? 0) !== 0) continue
    const { path, name } = splitKey(item.key)
    const flags = flagsOf(item.key) + (item.flags ?? 0)
    hashObserved(hash, {
      name: Buffer.from(name),
      etag: etagOf(item),
      sizeBytes: sizeOf(item),
      modifiedMs: modifiedOf(item),
      isArchived: (flags & 4) !== 0,
    })
    dirs.get(path)!.fp ^= BigInt(fingerprintText(hash.high, hash.low))
  }
}

function etagOf(item: SeedItem): Buffer {
  return packEtag(item.etag ?? createHash('md5').update(item.key).digest('hex'))
}

function modifiedOf(item: SeedItem): number {
  return item.modifiedMs ?? SEED_MS - 1000
}

async function insertDirs(pool: DbPool, datasetNo: number, dirs: readonly SeedDir[]): Promise<void> {
  await pool.query(
    `insert into dir (dataset_no, dir_no, parent_no, items, bytes, deep_items, deep_bytes, fp, is_hidden, path, name)
     select $1, r."dirNo", r."parentNo", r.items, r.bytes, r."deepItems", r."deepBytes", r.fp, r.hidden, r.path, r.name
     from json_to_recordset($2) r ("dirNo" int, "parentNo" int, items bigint, bytes bigint, "deepItems" bigint, "deepBytes" bigint, fp bigint,
                                   hidden boolean, path text, name text)`,
    [
      datasetNo,
      JSON.stringify(dirs.map((dir) => ({ ...dir, fp: String(dir.fp), hidden: (flagsOf(dir.path) & 1) === 1 }))),
    ],
  )
}

async function typeNumbers(pool: DbPool, items: readonly SeedItem[]): Promise<Map<string, number>> {
  const names = [...new Set(items.map((item) => typeOf(splitKey(item.key).name)))]
  await pool.query('insert into media_type (name) select unnest($1::text[]) on conflict do nothing', [names])
  const { rows } = await pool.query<{ name: string; type_no: number }>('select name, type_no from media_type')
  return new Map(rows.map((row) => [row.name, row.type_no]))
}

function typeOf(name: string): string {
  return mime.getType(name) ?? 'application/octet-stream'
}

function sizeOf(item: SeedItem): number {
  return item.sizeBytes ?? item.key.length
}

function splitKey(key: string): { path: string; name: string } {
  const slash = key.lastIndexOf('/')
  return { path: key.slice(0, slash + 1), name: key.slice(slash + 1) }
}

function flagsOf(key: string): number {
  const parts = key.split('/')
  const isHidden = parts.some((part) => part.startsWith('.'))
  const isDot = parts.some((part) => part === '.' || part === '..')
  return (isHidden ? 1 : 0) + (isDot ? 2 : 0)
}
