import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool, type DbPool } from '#db/connect.ts'
import { startEmbeddedPostgres } from '#db/embedded.ts'
import { migrate } from '#db/migrate.ts'

/** A durable database server for one benchmark, set up as `sluice serve` sets its own up; every round gets a database of its own in it. */
export interface BenchDatabase {
  /** Makes an empty database and answers its address, for Sluice and `psql` alike. */
  create(name: string): Promise<string>
  drop(name: string): Promise<void>
  /** Writes out what is dirty, so that no run pays for the one before. */
  checkpoint(): Promise<void>
  /** Bytes of write-ahead log that all databases together have written since the beginning. */
  walBytes(): Promise<number>
  stop(): Promise<void>
}

/** Starts the embedded PostgreSQL in a temporary folder. */
export async function startDatabase(): Promise<BenchDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  await chmod(dataDir, 0o711)
  const server = await startEmbeddedPostgres({ dataDir, log: { info() {}, warn: console.warn, error: console.error } })
  const admin = createPool(server.url, { connectionsMax: 1 })
  return {
    create: async (name) => {
      await admin.query(`create database ${name}`)
      return inDatabase(server.url, name)
    },
    drop: async (name) => {
      await admin.query(`drop database if exists ${name} with (force)`)
    },
    checkpoint: async () => {
      await admin.query('checkpoint')
    },
    walBytes: async () => {
      const { rows } = await admin.query<{ bytes: string }>(`select pg_current_wal_lsn() - '0/0'::pg_lsn as bytes`)
      return Number(rows[0]!.bytes)
    },
    stop: async () => {
      await admin.end()
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Opens a database for the length of some work. */
export async function withPool<T>(url: string, work: (pool: DbPool) => Promise<T>): Promise<T> {
  const pool = createPool(url, { connectionsMax: 2, applicationName: 'sluice-bench' })
  try {
    return await work(pool)
  } finally {
    await pool.end()
  }
}

/** Makes the tables of a database, as the server does at its start. */
export function makeTables(url: string): Promise<void> {
  return withPool(url, migrate)
}

function inDatabase(url: string, name: string): string {
  const address = new URL(url)
  address.pathname = `/${name}`
  return address.href
}
