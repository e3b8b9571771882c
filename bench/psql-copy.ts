import { rm, stat } from 'node:fs/promises'
import { isInstalled, runProgram } from './child.ts'
import { type BenchDatabase, makeTables, withPool } from './database.ts'
import type { Contender } from './measure.ts'
import { progress } from './report.ts'

/** Name of the peer in results. */
export const psqlName = 'psql \\copy of the same rows'

/** The rows of a dataset as binary files, ready for `psql \copy`; written by psql from what the sync wrote. */
export interface RowFiles {
  readonly folders: string
  readonly items: string
}

/** Whether psql is installed. */
export function hasPsql(): Promise<boolean> {
  return isInstalled('psql')
}

/** Writes a database's folders and items to files, items in the order of their numbers, which is the order they were written in. */
export async function writeRowFiles(url: string, files: RowFiles): Promise<void> {
  await psql(url, `\\copy (select * from dir order by dataset_no, dir_no) to '${files.folders}' with (format binary)`)
  await psql(url, `\\copy (select * from item order by dataset_no, item_no) to '${files.items}' with (format binary)`)
  progress(`${((await stat(files.items)).size / 1e6).toFixed(0)} MB of rows for psql`)
}

export async function removeRowFiles(files: RowFiles): Promise<void> {
  await Promise.all([rm(files.folders, { force: true }), rm(files.items, { force: true })])
}

/** Loads the files into a fresh database with the same tables and indexes; making those is not timed. */
export function psqlCopier(database: BenchDatabase, files: RowFiles, count: number): Contender {
  return {
    name: psqlName,
    run: async (round) => {
      const name = `copy_${round}`
      const url = await database.create(name)
      try {
        await makeTables(url)
        await database.checkpoint()
        const started = performance.now()
        await psql(
          url,
          `\\copy dir from '${files.folders}' with (format binary)`,
          `\\copy item from '${files.items}' with (format binary)`,
        )
        const seconds = (performance.now() - started) / 1000
        const rows = await withPool(url, (pool) => pool.query<{ count: number }>('select count(*) as count from item'))
        if (rows.rows[0]!.count !== count)
          throw new Error(`psql loaded ${rows.rows[0]!.count} rows instead of ${count}`)
        return { seconds, units: count }
      } finally {
        await database.drop(name)
      }
    },
  }
}

async function psql(url: string, ...commands: string[]): Promise<void> {
  const args = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', `--dbname=${url}`]
  await runProgram({ command: 'psql', args: [...args, ...commands.map((command) => `--command=${command}`)] })
}
