import type { Db } from '#db/connect.ts'

/** What a file is when nothing is known about it. */
export const UNKNOWN_TYPE = 'application/octet-stream'

// Content types never change their number and none is ever removed, so what was read once stays right in every process.
const known = new WeakMap<Db, Map<number, string>>()

/**
 * Names of the content types with these numbers; asks the database only for numbers this process has not met (about 900 exist).
 */
export async function mediaTypeNames(db: Db, numbers: Iterable<number>): Promise<ReadonlyMap<number, string>> {
  let names = known.get(db)
  if (names === undefined) {
    names = new Map()
    known.set(db, names)
  }
  for (const number of numbers) {
    if (names.has(number)) continue
    const { rows } = await db.query<{ type_no: number; name: string }>('select type_no, name from media_type')
    for (const row of rows) names.set(row.type_no, row.name)
    break
  }
  return names
}
