// Proves that every test gets a migrated database of its own, and that migrating again changes nothing.
import { expect, test } from 'vitest'
import { migrate } from '#db/migrate.ts'
import { withDatabase } from '#test/support/database.ts'

test('two databases are apart and both have the schema', async () => {
  const [one, two] = await Promise.all([withDatabase(), withDatabase()])
  try {
    await one.pool.query(`insert into server_setting (name, value) values ('x', '1')`)
    expect((await one.pool.query('select * from server_setting')).rowCount).toBe(1)
    expect((await two.pool.query('select * from server_setting')).rowCount).toBe(0)
  } finally {
    await Promise.all([one.drop(), two.drop()])
  }
})

test('the schema can be brought up to date by several processes at once, any number of times', async () => {
  const database = await withDatabase()
  try {
    await Promise.all([migrate(database.pool), migrate(database.pool), migrate(database.pool)])
    const { rows } = await database.pool.query<{ count: number }>('select count(*) from schema_migration')
    expect(rows[0]!.count).toBeGreaterThan(0)
  } finally {
    await database.drop()
  }
})

test('text is ordered by bytes: keys sort as storages list them', async () => {
  const database = await withDatabase()
  try {
    const { rows } = await database.pool.query<{ k: string }>(
      `select k from unnest(array['b', 'a', 'B', 'é', '～', '😀']) k order by k`,
    )
    expect(rows.map((row) => row.k)).toEqual(['B', 'a', 'b', 'é', '～', '😀'])
  } finally {
    await database.drop()
  }
})
