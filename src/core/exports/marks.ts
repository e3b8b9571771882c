import { createHash } from 'node:crypto'
import type { Annotation } from '#contract/annotations.ts'
import type { Item } from '#contract/items.ts'
import type { Deps } from '#core/deps.ts'
import type { Db } from '#db/connect.ts'
import { parseItemId } from '#lib/ids.ts'
import { openPart, type Part } from './parts.ts'

/** Bytes of an id, and of what the item said. */
const ID_BYTES = 12
const SAID_BYTES = 16
const MARK_BYTES = ID_BYTES + SAID_BYTES

/** What an export gave of an item, as far as another export has to know. */
export interface Mark {
  readonly id: string
  /** The same for two documents that say the same; lower-case hex. */
  readonly said: string
}

/** The marks of a range of ids. */
export interface MarkedRange {
  /** Id of the last item in it. */
  readonly lastId: string
  /** What was said, by id. */
  readonly marks: ReadonlyMap<string, string>
}

/** An export that another one is compared with. */
export interface Base {
  readonly commandId: string
  readonly version: number
  /** What was asked for in it. */
  readonly items: unknown
}

/** Makes the mark of an item with its annotations. Addresses are left out: they say how the server was reached, nothing about the item. */
export function markOf(item: Item, annotations: readonly Annotation[]): Mark {
  const { url, stream, thumbnail, dataset, annotations: address, ...document } = item
  const said = [
    document,
    annotations.map(({ url: _, item: _item, dataset: _dataset, ...annotation }) => annotation),
  ] as const
  return {
    id: item.id,
    said: createHash('sha256')
      .update(JSON.stringify(said))
      .digest('hex')
      .slice(0, 2 * SAID_BYTES),
  }
}

/** Writes marks as an export keeps them; `readMarks` reads them. */
export function encodeMarks(marks: readonly Mark[]): Buffer {
  return Buffer.concat(marks.map(({ id, said }) => Buffer.from(id + said, 'hex')))
}

/** The marks of a base that follow an id, one part of them; null: no more follow. */
export async function marksAfter(deps: Deps, baseId: string, after: string | null): Promise<MarkedRange | null> {
  const { rows } = await deps.db.query<Pick<Part, 'objectKey' | 'sizeBytes'> & { lastId: string }>(
    `select object_key as "objectKey", size_bytes as "sizeBytes", last_id as "lastId" from export_part
      where command_id = $1 and kind = 'marks' and ($2::text is null or last_id > $2) order by part_no limit 1`,
    [baseId, after],
  )
  const part = rows[0]
  if (part === undefined) return null
  const chunks: Buffer[] = []
  for await (const chunk of (await openPart(deps, part)) as AsyncIterable<Buffer>) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const marks = new Map<string, string>()
  for (let at = 0; at + MARK_BYTES <= bytes.length; at += MARK_BYTES) {
    const id = bytes.toString('hex', at, at + ID_BYTES)
    if (after === null || id > after) marks.set(id, bytes.toString('hex', at + ID_BYTES, at + MARK_BYTES))
  }
  return { lastId: part.lastId, marks }
}

/**
 * Finds what an export is to be compared with: the newest of the dataset up to a version, or, where none is said, the newest that asked for the same. Null: there
 * is none, or its marks are not kept any more.
 */
export async function findBase(
  db: Db,
  datasetNo: number,
  of: { readonly fromVersion: number | null; readonly items: unknown },
): Promise<Base | null> {
  const { rows } = await db.query<Base>(
    `select t.command_id as "commandId", t.version, t.request -> 'items' as items from export_task t join command c on c.id = t.command_id
      where t.dataset_no = $1 and t.is_marked and t.lease_until is null and c.status = 'success'
        and case when $2::int is null then t.request -> 'items' = $3::jsonb else t.version <= $2 end
      order by t.version desc limit 1`,
    [datasetNo, of.fromVersion, JSON.stringify(of.items)],
  )
  return rows[0] ?? null
}

/** Those of some ids that are no items of the dataset any more. */
export async function withoutItems(db: Db, datasetNo: number, ids: readonly string[]): Promise<string[]> {
  const numbers = ids.map((id) => {
    const parsed = parseItemId(id)
    return parsed !== null && 'itemNo' in parsed ? parsed.itemNo : '0'
  })
  const { rows } = await db.query<{ id: string }>(
    `select n.id from unnest($2::text[], $3::bigint[]) n (id, item_no)
      where not exists (select 1 from item i where i.dataset_no = $1 and i.item_no = n.item_no) order by n.id collate "C"`,
    [datasetNo, [...ids], numbers],
  )
  return rows.map(({ id }) => id)
}

/** The line that stands for an item which the base gave and this export would not. */
export function goneLine(id: string, datasetId: string): string {
  return JSON.stringify({ id, datasetId, deleted: true })
}
