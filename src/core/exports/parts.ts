import { Readable } from 'node:stream'
import type { Deps } from '#core/deps.ts'
import { keepArrived, newObjectKey, noteUnused, platformStore, receive } from '#core/objects/objects.ts'
import type { Db } from '#db/connect.ts'

/** An object of an export in the platform's store. */
export interface Part {
  readonly partNo: number
  readonly objectKey: string
  readonly sizeBytes: number
  readonly records: number
  /** Lower-case hex. */
  readonly md5: string
}

/** Writes an object into the platform's store; until a row refers to it, it is among those that are removed after a while. */
export async function keepPart(
  deps: Deps,
  body: Iterable<Buffer> | AsyncIterable<Buffer>,
  contentType = 'application/x-ndjson',
): Promise<Omit<Part, 'partNo' | 'records'>> {
  const arrived = await receive(deps, Readable.from(body))
  try {
    const objectKey = newObjectKey()
    await noteUnused(deps.db, objectKey)
    await keepArrived(deps, objectKey, arrived, contentType)
    return { objectKey, sizeBytes: arrived.sizeBytes, md5: arrived.md5 }
  } finally {
    await arrived.discard()
  }
}

/** What a part holds: rows as they were read, a file that is fetched, or marks for later exports. */
export type PartKind = 'rows' | 'file' | 'marks'

/** Notes a part of an export; nothing happens when another worker was quicker. `lastId`: of marks, the id of the last item. */
export async function savePart(
  db: Db,
  commandId: string,
  kind: PartKind,
  part: Part,
  lastId: string | null = null,
): Promise<void> {
  await db.query(
    `insert into export_part (command_id, kind, part_no, object_key, size_bytes, records, md5, last_id) values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (command_id, kind, part_no) do nothing`,
    [commandId, kind, part.partNo, part.objectKey, part.sizeBytes, part.records, part.md5, lastId],
  )
}

/** How many parts of a kind an export has. */
export async function countParts(db: Db, commandId: string, kind: PartKind): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    'select count(*)::int as count from export_part where command_id = $1 and kind = $2',
    [commandId, kind],
  )
  return rows[0]!.count
}

/** Parts of an export in their order. */
export async function listParts(db: Db, commandId: string, kind: PartKind): Promise<Part[]> {
  const { rows } = await db.query<Part>(
    `select part_no as "partNo", object_key as "objectKey", size_bytes as "sizeBytes", records, md5
       from export_part where command_id = $1 and kind = $2 order by part_no`,
    [commandId, kind],
  )
  return rows
}

/** Gives parts up: their objects are removed after a while. Without a kind, all of them. */
export async function dropParts(db: Db, commandId: string, kind: PartKind | null = null): Promise<void> {
  await db.query(
    `with gone as (delete from export_part where command_id = $1 and ($2::text is null or kind = $2) returning object_key)
     insert into unused_object (object_key) select object_key from gone on conflict do nothing`,
    [commandId, kind],
  )
}

/** Opens a part for reading. */
export async function openPart(deps: Deps, part: Pick<Part, 'objectKey' | 'sizeBytes'>): Promise<Readable> {
  if (part.sizeBytes === 0) return Readable.from([])
  const { storage, prefix } = await platformStore(deps)
  return (await storage.read(`${prefix}${part.objectKey}`)).body
}

/** The lines of parts one after the other, without their line ends; only what lies between two reads is in memory. */
export async function* linesOf(deps: Deps, parts: readonly Part[]): AsyncGenerator<Buffer> {
  for (const part of parts) {
    let rest: Buffer[] = []
    for await (const chunk of (await openPart(deps, part)) as AsyncIterable<Buffer>) {
      let from = 0
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        yield Buffer.concat([...rest, chunk.subarray(from, end)])
        rest = []
        from = end + 1
      }
      if (from < chunk.length) rest.push(chunk.subarray(from))
    }
  }
}
