// Reads a dataset's index straight from the tables, every column, and says where it contradicts itself.
import { fingerprintText, hashObserved, RowHash } from '#core/catalog/catalog.ts'
import type { DbPool } from '#db/connect.ts'
import { foldersOf, parentOf } from './oracle.ts'

/** An item's row. */
export interface IndexRow {
  readonly folder: string
  readonly name: string
  readonly item_no: string
  readonly size_bytes: number
  readonly modified_ms: number | null
  readonly updated_ms: number | null
  readonly missing_ms: number | null
  readonly ticket: number
  readonly type: string
  readonly state: number
  readonly flags: number
  readonly etag: string
  readonly object_key: string | null
  readonly metadata: string | null
}

/** A folder's row. */
export interface DirRow {
  readonly dir_no: number
  readonly parent: string | null
  readonly path: string
  readonly name: string
  readonly items: number
  readonly bytes: number
  readonly deep_items: number
  readonly deep_bytes: number
  readonly is_hidden: boolean
  readonly fp: string
}

/** An item that was taken out of the dataset. */
export interface RemovedRow {
  readonly folder: string
  readonly name: string
  readonly item_no: string
  readonly ticket: number
  readonly size_bytes: number
  readonly modified_ms: number | null
  readonly removed_ms: number
  readonly type: string
  readonly flags: number
  readonly etag: string
  readonly reason: string
  readonly metadata: string | null
}

/** What a dataset's tables hold. */
export interface Index {
  readonly datasetNo: number
  /** By path. */
  readonly items: ReadonlyMap<string, IndexRow>
  readonly dirs: readonly DirRow[]
  /** By path. */
  readonly removed: ReadonlyMap<string, RemovedRow>
}

/** Reads all of a dataset. */
export async function readIndex(pool: DbPool, datasetNo: number): Promise<Index> {
  const items = await pool.query<IndexRow>(
    `select d.path as folder, i.name, i.item_no::text, i.size_bytes, round(extract(epoch from i.modified_at) * 1000)::float8 as modified_ms,
            round(extract(epoch from i.updated_at) * 1000)::float8 as updated_ms, round(extract(epoch from i.missing_at) * 1000)::float8 as missing_ms,
            i.ticket, t.name as type, i.state, i.flags, encode(i.etag, 'hex') as etag, i.object_key, i.metadata::text
       from item i
       left join dir d on d.dataset_no = i.dataset_no and d.dir_no = i.dir_no
       left join media_type t on t.type_no = i.type_no
      where i.dataset_no = $1`,
    [datasetNo],
  )
  const dirs = await pool.query<DirRow>(
    `select d.dir_no, p.path as parent, d.path, d.name, d.items, d.bytes, d.deep_items, d.deep_bytes, d.is_hidden, d.fp::text
       from dir d left join dir p on p.dataset_no = d.dataset_no and p.dir_no = d.parent_no where d.dataset_no = $1`,
    [datasetNo],
  )
  const removed = await pool.query<RemovedRow>(
    `select d.path as folder, r.name, r.item_no::text, r.ticket, r.size_bytes, round(extract(epoch from r.modified_at) * 1000)::float8 as modified_ms,
            round(extract(epoch from r.removed_at) * 1000)::float8 as removed_ms, t.name as type, r.flags, encode(r.etag, 'hex') as etag, r.reason,
            r.metadata::text
       from removed r
       left join dir d on d.dataset_no = r.dataset_no and d.dir_no = r.dir_no
       left join media_type t on t.type_no = r.type_no
      where r.dataset_no = $1`,
    [datasetNo],
  )
  const byPath = <Row extends { folder: string; name: string }>(rows: Row[]) =>
    new Map(rows.map((row) => [row.folder + row.name, row]))
  return { datasetNo, items: byPath(items.rows), dirs: dirs.rows, removed: byPath(removed.rows) }
}

/**
 * What is wrong within the index itself, whatever the bucket holds: folders whose counters are not those of their rows, that hang in the wrong
 * place or are missing. Must be empty at any time, also right after a kill.
 */
export function contradictions(index: Index): string[] {
  const wrong: string[] = []
  const rows = [...index.items.values()].map((row) => ({ folder: row.folder, sizeBytes: row.size_bytes }))
  const expected = foldersOf(rows)
  const fingerprints = fingerprintsOf(index)
  for (const dir of index.dirs) {
    const fp = fingerprints.get(dir.path) ?? '0'
    if (dir.fp !== fp) wrong.push(`folder ${show(dir.path)} has the fingerprint ${dir.fp}, its live rows ${fp}`)
    const { items, bytes, deepItems, deepBytes } = expected.get(dir.path) ?? {
      items: 0,
      bytes: 0,
      deepItems: 0,
      deepBytes: 0,
    }
    const is = [dir.items, dir.bytes, dir.deep_items, dir.deep_bytes].join(' ')
    const shouldBe = [items, bytes, deepItems, deepBytes].join(' ')
    if (is !== shouldBe) wrong.push(`folder ${show(dir.path)} counts ${is}, its rows ${shouldBe}`)
    const parent = parentOf(dir.path)
    if (dir.path !== '' && dir.parent !== parent) wrong.push(`folder ${show(dir.path)} hangs below ${show(dir.parent)}`)
    if (dir.path !== '' && `${parent}${dir.name}/` !== dir.path)
      wrong.push(`folder ${show(dir.path)} is named ${show(dir.name)}`)
    const isHidden = dir.path.split('/').some((segment) => segment.startsWith('.'))
    if (dir.is_hidden !== isHidden) wrong.push(`folder ${show(dir.path)} is ${dir.is_hidden ? '' : 'not '}hidden`)
    expected.delete(dir.path)
  }
  for (const path of expected.keys()) if (rows.length > 0) wrong.push(`folder ${show(path)} has no row`)
  return wrong
}

/** Fingerprint of every folder with live items: the exclusive-or of their hashes. */
function fingerprintsOf({ datasetNo, items }: Index): Map<string, string> {
  const hash = new RowHash(datasetNo)
  const halves = new Map<string, { high: number; low: number }>()
  for (const row of items.values()) {
    if (row.state !== 0) continue
    hashObserved(hash, {
      name: Buffer.from(row.name),
      etag: Buffer.from(row.etag, 'hex'),
      sizeBytes: row.size_bytes,
      modifiedMs: row.modified_ms,
      isArchived: (row.flags & 4) !== 0,
    })
    const sum = halves.get(row.folder) ?? { high: 0, low: 0 }
    halves.set(row.folder, { high: sum.high ^ hash.high, low: sum.low ^ hash.low })
  }
  return new Map([...halves].map(([folder, { high, low }]) => [folder, fingerprintText(high, low)]))
}

/** A key or path as a message shows it. */
export function show(text: unknown): string {
  const shown = JSON.stringify(text)
  return shown.length > 90 ? `${shown.slice(0, 80)}… (${shown.length})` : shown
}
