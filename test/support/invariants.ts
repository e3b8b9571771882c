// What must hold of a dataset's rows whatever happened to it.
import { hashObserved, isBorder, RowHash } from '#core/catalog/catalog.ts'
import type { Db } from '#db/connect.ts'

/** A folder whose kept counters or fingerprint are not those of its rows. */
export interface FolderFault {
  readonly path: string
  readonly kept: Readonly<Record<string, string>>
  readonly real: Readonly<Record<string, string>>
}

/** Folders of a dataset that disagree with their rows; an empty list is the only good answer. */
export async function findFolderFaults(db: Db, datasetNo: number): Promise<FolderFault[]> {
  const { rows: folders } = await db.query<Record<string, string>>(
    `select dir_no::text as no, path, items::text, bytes::text, deep_items::text, deep_bytes::text, fp::text from dir where dataset_no = $1`,
    [datasetNo],
  )
  const { rows: items } = await db.query<{
    dir_no: number
    name: Buffer
    etag: Buffer
    size_bytes: number
    modified_ms: number | null
    flags: number
    state: number
  }>(
    `select dir_no, convert_to(name, 'UTF8') as name, etag, size_bytes, (extract(epoch from modified_at) * 1000)::float8 as modified_ms, flags, state
       from item where dataset_no = $1`,
    [datasetNo],
  )
  const real = new Map(folders.map(({ no }) => [no!, { items: 0, bytes: 0, deep_items: 0, deep_bytes: 0, fp: 0n }]))
  const hash = new RowHash(datasetNo)
  for (const item of items) {
    const own = real.get(String(item.dir_no))!
    own.items++
    own.bytes += item.size_bytes
    if (item.state !== 0) continue
    hashObserved(hash, {
      name: item.name,
      etag: item.etag,
      sizeBytes: item.size_bytes,
      modifiedMs: item.modified_ms,
      isArchived: (item.flags & 4) !== 0,
    })
    own.fp ^= BigInt.asIntN(64, (BigInt(hash.high) << 32n) | BigInt(hash.low >>> 0))
  }
  for (const above of folders)
    for (const below of folders) {
      if (!below.path!.startsWith(above.path!)) continue
      const [sum, own] = [real.get(above.no!)!, real.get(below.no!)!]
      sum.deep_items += own.items
      sum.deep_bytes += own.bytes
    }
  const faults: FolderFault[] = []
  for (const { no, path, ...kept } of folders) {
    const counted = Object.fromEntries(Object.entries(real.get(no!)!).map(([name, value]) => [name, String(value)]))
    if (JSON.stringify(kept) !== JSON.stringify(counted)) faults.push({ path: path!, kept, real: counted })
  }
  return faults
}

/** Data points an organization is charged for, and the rows there are to charge for; equal, or something is wrong. */
export async function dataPointsOf(db: Db, orgId: string): Promise<{ used: number; rows: number }> {
  const { rows } = await db.query<{ used: number; rows: number }>(
    `select (select used from data_points where org_id = $1) as used,
            (select count(*) from item i join dataset d on d.dataset_no = i.dataset_no join project p on p.id = d.project_id where p.org_id = $1 and not d.is_system) as rows`,
    [orgId],
  )
  return rows[0]!
}

/** Segments of large folders whose kept fingerprint is not that of their live items; an empty list is the only good answer. */
export async function findSegmentFaults(db: Db, datasetNo: number): Promise<string[]> {
  const { rows: segments } = await db.query<{ dir_no: number; behind_name: string; last_name: string; fp: string }>(
    'select dir_no, behind_name, last_name, fp::text from dir_segment where dataset_no = $1',
    [datasetNo],
  )
  const faults: string[] = []
  const hash = new RowHash(datasetNo)
  for (const segment of segments) {
    const { rows } = await db.query<Parameters<typeof hashObserved>[1] & { name: Buffer; is_border: boolean }>(
      `select convert_to(name, 'UTF8') as name, etag, size_bytes as "sizeBytes", (extract(epoch from modified_at) * 1000)::float8 as "modifiedMs",
              (flags & 4) = 4 as "isArchived"
         from item where dataset_no = $1 and dir_no = $2 and state = 0 and name <= $3 collate "C" and name > $4 collate "C"
        order by name collate "C" desc`,
      [datasetNo, segment.dir_no, segment.last_name, segment.behind_name],
    )
    if (rows.some(({ name }, at) => at > 0 && isBorder(name, 0, name.length)))
      faults.push(`${segment.dir_no}/${segment.last_name} has a border inside`)
    let fp = 0n
    for (const row of rows) {
      hashObserved(hash, row)
      fp ^= BigInt.asIntN(64, (BigInt(hash.high) << 32n) | BigInt(hash.low >>> 0))
    }
    if (String(fp) !== segment.fp) faults.push(`${segment.dir_no}/${segment.last_name}`)
  }
  return faults
}
