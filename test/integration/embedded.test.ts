// Proves that the embedded database works where it is awkward: private folders, long paths and a cut-off first start.
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPool } from '#db/connect.ts'
import { startEmbeddedPostgres } from '#db/embedded.ts'
import { isRunning } from '#db/process-mark.ts'

const said: string[] = []
const log = {
  info: (text: string) => void said.push(text),
  warn: (text: string) => void said.push(text),
  error: (text: string) => void said.push(text),
}
const isRoot = process.getuid?.() === 0

let folder: string
const elsewhere: string[] = []
beforeEach(async () => {
  said.length = 0
  folder = await mkdtemp(join(tmpdir(), 'sluice-embedded-'))
  await chmod(folder, 0o711)
})
afterEach(async () => {
  for (const path of [folder, ...elsewhere.splice(0)]) await rm(path, { recursive: true, force: true })
})

/** Starts, asks, stops; answers what the database said of itself. */
async function use(dataDir: string, sql = `select current_setting('server_version') as version`) {
  const server = await startEmbeddedPostgres({ dataDir, log, isDurable: false })
  try {
    const pool = createPool(server.url, { connectionsMax: 1 })
    const { rows } = await pool.query<Record<string, string>>(sql)
    await pool.end()
    return { row: rows[0], pid: server.pid, url: server.url }
  } finally {
    await server.stop()
  }
}

test('it is PostgreSQL 18, in bytes’ order, durable unless told otherwise, and on no network', async () => {
  const server = await startEmbeddedPostgres({ dataDir: folder, log })
  const pool = createPool(server.url, { connectionsMax: 1 })
  const names = [
    'server_version_num',
    'fsync',
    'synchronous_commit',
    'full_page_writes',
    'listen_addresses',
    'server_encoding',
    'lc_collate',
    'password_encryption',
  ]
  const { rows } = await pool.query<{ name: string; setting: string }>(
    'select name, setting from pg_settings where name = any($1)',
    [names],
  )
  const settings = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
  const collation = await pool.query<{ c: string }>(
    'select datcollate as c from pg_database where datname = current_database()',
  )
  await pool.end()
  await server.stop()
  expect(settings).toMatchObject({
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    listen_addresses: '',
    server_encoding: 'UTF8',
  })
  expect([settings.server_version_num!.slice(0, 2), collation.rows[0]!.c]).toEqual(['18', 'C'])
  expect(isRunning(server.pid)).toBe(false)
})

test('nobody else gets in: the folder is private and a wrong password is refused', async () => {
  const server = await startEmbeddedPostgres({ dataDir: folder, log, isDurable: false })
  const pool = createPool(server.url.replace(/:[^:@/]+@/, ':guess@'), { connectionsMax: 1 })
  await expect(pool.query('select 1')).rejects.toThrow(/password authentication failed/)
  await pool.end()
  await server.stop()
  const modes = await Promise.all(
    ['postgres', 'postgres/password', 'postgres/run'].map(
      async (path) => (await stat(join(folder, path))).mode & 0o077,
    ),
  )
  expect(modes).toEqual([0, 0, 0])
})

test.runIf(isRoot)(
  'a data folder in a private one: root’s database lies elsewhere, a note says where, and the next start finds it',
  async () => {
    await chmod(folder, 0o700)
    const dataDir = join(folder, 'data')
    await use(dataDir, 'create table kept (x int)')
    const note = (await readFile(join(dataDir, 'postgres-is-elsewhere.txt'), 'utf8'))
      .split('\n')
      .find((line) => line.startsWith('/'))!
    elsewhere.push(note)
    expect(said.join()).toContain(note)
    expect((await use(dataDir, `select to_regclass('kept')::text as kept`)).row).toEqual({ kept: 'kept' })
  },
)

test('a path too long for a socket still works', async () => {
  const dataDir = join(folder, 'a-very-long-name-'.repeat(10))
  const { url } = await use(dataDir)
  const socket = new URL(url).searchParams.get('host')!
  expect(Buffer.byteLength(`${socket}/.s.PGSQL.5432`)).toBeLessThanOrEqual(100)
  await expect(stat(socket)).rejects.toThrow()
})

test('what an interrupted first start left is not taken for a database', async () => {
  await mkdir(join(folder, 'postgres', 'data.new-1', 'base'), { recursive: true })
  await writeFile(join(folder, 'postgres', 'data.new-1', 'PG_VERSION'), '18\n')
  expect((await use(folder)).row?.version).toMatch(/^18/)
  await expect(stat(join(folder, 'postgres', 'data.new-1'))).rejects.toThrow()
})

test('a start that fails quotes the database’s log, and gives the folder free', async () => {
  await use(folder)
  const control = join(folder, 'postgres', 'data', 'global', 'pg_control')
  const saved = await readFile(control)
  await writeFile(control, Buffer.alloc(saved.length))
  await expect(startEmbeddedPostgres({ dataDir: folder, log })).rejects.toThrow(
    /did not start.*postgres\.log.*incompatible with server/s,
  )
  await writeFile(control, saved)
  expect((await use(folder)).row?.version).toMatch(/^18/)
})

test('when it ends by itself, its keeper is told', async () => {
  const crashed = new Promise<string>((done) => {
    void startEmbeddedPostgres({ dataDir: folder, log, isDurable: false, onCrash: done }).then((server) =>
      process.kill(server.pid, 'SIGQUIT'),
    )
  })
  expect(await crashed).toContain('ended by itself')
  expect((await use(folder)).row?.version).toMatch(/^18/)
})
