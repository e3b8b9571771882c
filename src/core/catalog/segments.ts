import type { DbClient } from '#db/connect.ts'
import { fingerprintText } from './fingerprint.ts'

/** One name in so many is a border of segments: few enough that a folder of a million has 8,000, near enough that a page holds several whole ones. */
const NAMES_PER_SEGMENT = 128

/**
 * Whether a name is a border: the last name of its segment. Decided by the name alone, so that a change of the file moves no border and every
 * listing of the folder has the same ones.
 */
export function isBorder(bytes: Buffer, from: number, to: number): boolean {
  let h = 0x811c9dc5
  for (let at = from; at < to; at++) h = Math.imul(h ^ bytes[at]!, 0x01000193)
  return ((h ^ (h >>> 15)) & (NAMES_PER_SEGMENT - 1)) === 0
}

/**
 * A segment of a folder: its live items behind one border, up to and with the next, and the exclusive-or of their hashes. It says where it begins itself:
 * the border before may have lost its own segment, and a border may go.
 */
export interface Segment {
  readonly dirNo: number
  /** The border it begins behind; empty at the folder's begin. */
  readonly behindName: string
  readonly lastName: string
  readonly fpHigh: number
  readonly fpLow: number
}

/** Segments that are kept with last names in `(low, high]`, of each stretch in the order of names. */
export async function findSegments(
  tx: DbClient,
  datasetNo: number,
  stretches: readonly { readonly dirNo: number; readonly low: string; readonly high: string }[],
): Promise<Segment[][]> {
  const found: Segment[][] = stretches.map(() => [])
  if (stretches.length === 0) return found
  const { rows } = await tx.query<Segment & { place: number }>(
    `select w.place::int as place, s.*
       from unnest($2::int[], $3::text[], $4::text[]) with ordinality w (dir_no, low, high, place)
      cross join lateral (
        select s.dir_no as "dirNo", s.behind_name as "behindName", s.last_name as "lastName", (s.fp >> 32)::int as "fpHigh", ((s.fp << 32) >> 32)::int as "fpLow"
          from dir_segment s
         where s.dataset_no = $1 and s.dir_no = w.dir_no and s.last_name > w.low collate "C" and s.last_name <= w.high collate "C"
         order by s.last_name) s
      order by w.place, s."lastName" collate "C"`,
    [
      datasetNo,
      stretches.map(({ dirNo }) => dirNo),
      stretches.map(({ low }) => low),
      stretches.map(({ high }) => high),
    ],
  )
  for (const { place, ...segment } of rows) found[place - 1]!.push(segment)
  return found
}

/**
 * Keeps segments, in the transaction that made their rows what they are; those of a folder that others have edited since it was read are left out.
 * `editsOf` tells the folder's edits as they were read before its rows. Locks the dataset's root, as everybody does who edits folders.
 */
export async function saveSegments(
  tx: DbClient,
  datasetNo: number,
  segments: readonly Segment[],
  editsOf: (place: number) => number,
): Promise<void> {
  if (segments.length === 0) return
  await tx.query('select from dir where dataset_no = $1 and dir_no = 1 for update', [datasetNo])
  await tx.query(
    `insert into dir_segment (dataset_no, dir_no, behind_name, last_name, fp)
     select $1, u.dir_no, u.behind_name, u.last_name, u.fp
       from unnest($2::int[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) u (dir_no, behind_name, last_name, fp, edits)
       join dir d on d.dataset_no = $1 and d.dir_no = u.dir_no and d.edits = u.edits
     on conflict (dataset_no, dir_no, last_name) do update set behind_name = excluded.behind_name, fp = excluded.fp`,
    [
      datasetNo,
      segments.map(({ dirNo }) => dirNo),
      segments.map(({ behindName }) => behindName),
      segments.map(({ lastName }) => lastName),
      segments.map(({ fpHigh, fpLow }) => fingerprintText(fpHigh, fpLow)),
      segments.map((_, place) => editsOf(place)),
    ],
  )
}

/**
 * Forgets the segments that items lie in, because one of their items has become another; the next sync makes them anew. No two segments overlap, as each
 * is forgotten when something inside it becomes a border, so an item is in the first one that ends at or behind its name, if in any. `dirNos` are the
 * items' folders and `nameOf` gives the name of the item at a place; asked for only where a folder has segments.
 */
export async function dropSegments(
  tx: DbClient,
  datasetNo: number,
  dirNos: readonly number[],
  nameOf: (at: number) => string,
): Promise<void> {
  if (dirNos.length === 0) return
  const { rows } = await tx.query<{ dir_no: number }>(
    `select d.dir_no from unnest($2::int[]) d (dir_no)
      where exists (select 1 from dir_segment s where s.dataset_no = $1 and s.dir_no = d.dir_no)`,
    [datasetNo, [...new Set(dirNos)]],
  )
  // Few folders have segments: most writers end here.
  if (rows.length === 0) return
  const cut = new Set(rows.map((row) => row.dir_no))
  const places = dirNos.flatMap((dirNo, at) => (cut.has(dirNo) ? [at] : []))
  await tx.query(
    `delete from dir_segment s
      using unnest($2::int[], $3::text[]) u (dir_no, name)
      where s.dataset_no = $1 and s.dir_no = u.dir_no
        and s.last_name = (select min(m.last_name collate "C") from dir_segment m
                            where m.dataset_no = $1 and m.dir_no = u.dir_no and m.last_name >= u.name collate "C")`,
    [datasetNo, places.map((at) => dirNos[at]), places.map(nameOf)],
  )
}
