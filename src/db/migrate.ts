import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { type DbPool, withTransaction } from './connect.ts'

const folder = new URL('./migrations/', import.meta.url)

/**
 * Brings the database to the newest schema; safe to call from several processes at once and any number of times.
 *
 * Migrations are the numbered `.sql` files beside this one, forward only, each in a transaction of its own. A file that was changed after it ran is
 * refused: its checksum is kept.
 */
export async function migrate(pool: DbPool): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  await withTransaction(pool, async (client) => {
    // One migrating process at a time; the others find nothing left to do.
    await client.query(`select pg_advisory_xact_lock(hashtext('sluice.migrate'))`)
    await client.query(
      `create table if not exists schema_migration (name text primary key, checksum text not null, applied_at timestamptz not null default now())`,
    )
    const { rows } = await client.query<{ name: string; checksum: string }>(
      'select name, checksum from schema_migration',
    )
    const applied = new Map(rows.map((row) => [row.name, row.checksum]))
    for (const name of names) {
      const text = await readFile(new URL(name, folder), 'utf8')
      const checksum = createHash('sha256').update(text).digest('hex')
      const known = applied.get(name)
      if (known === checksum) continue
      if (known !== undefined)
        throw new Error(`migration ${name} was changed after it ran; restore the file and add a new one`)
      await client.query(text)
      await client.query('insert into schema_migration (name, checksum) values ($1, $2)', [name, checksum])
    }
  })
}
