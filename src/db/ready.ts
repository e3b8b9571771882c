import { readdir } from 'node:fs/promises'
import type { Db } from './connect.ts'

const folder = new URL('./migrations/', import.meta.url)

/** Whether the database has run every migration this version of the program brings; throws when it does not answer. For `/readyz`. */
export async function isMigrated(db: Db): Promise<boolean> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql'))
  const { rows } = await db.query<{ count: number }>(
    'select count(*) as count from schema_migration where name = any($1)',
    [names],
  )
  return rows[0]?.count === names.length
}
