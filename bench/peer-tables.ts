import { sumOfDataset } from './catalog.ts'
import { expectSameSum, expectSum } from './check.ts'
import { type BenchDatabase, withPool } from './database.ts'
import type { SetSum } from './replay/entry.ts'
import { type RunReport, runNode } from './run-node.ts'
import type { WalkTarget } from './runs/bucket-walk.ts'
import type { PeerArgs } from './runs/peer-rows.ts'

/** A way to bring an index up to date that others use, on its own copy of our tables. */
export interface ResyncPeer {
  readonly name: string
  /** Its script in `bench/runs`. */
  readonly script: string
  readonly schema: string
}

/** The peers of a re-sync. */
export const resyncPeers: readonly ResyncPeer[] = [
  { name: 'naive upsert', script: 'resync-upsert.ts', schema: 'upsert' },
  { name: 'staging merge', script: 'resync-staging.ts', schema: 'staging' },
]

/** Where a peer works. */
export interface PeerPlace {
  readonly database: BenchDatabase
  readonly databaseUrl: string
  readonly datasetNo: number
  readonly target: WalkTarget
}

/** Copies folders and items of a dataset, with the same columns and indexes, into a schema of the peer's own. */
export async function copyTables(peer: ResyncPeer, { databaseUrl, datasetNo }: PeerPlace): Promise<void> {
  const { schema } = peer
  await withPool(databaseUrl, async (pool) => {
    await pool.query(`create schema ${schema}`)
    for (const table of ['dir', 'item']) {
      await pool.query(`create table ${schema}.${table} (like public.${table} including all)`)
      // Cleaning up behind one peer in the background would slow down whoever runs next: it is done after each run instead.
      await pool.query(`alter table ${schema}.${table} set (autovacuum_enabled = false)`)
      // In the order of their numbers, which is the order in which ours were written.
      await pool.query(
        `insert into ${schema}.${table} select * from public.${table} where dataset_no = $1 order by ${table}_no`,
        [datasetNo],
      )
    }
    await pool.query(`alter table ${schema}.item add column last_seen bigint not null default 0`)
    await pool.query(`create sequence ${schema}.item_number`)
    await pool.query(`select setval('${schema}.item_number', (select max(item_no) from ${schema}.item))::text`)
    await tidy(peer, databaseUrl)
  })
}

/** Runs a peer once, in a process of its own, on the bucket as it is; `generation` must grow from run to run. */
export async function runPeer(
  peer: ResyncPeer,
  { databaseUrl, datasetNo, target }: PeerPlace,
  generation: number,
): Promise<RunReport> {
  const { schema } = peer
  const args: PeerArgs = { ...target, databaseUrl, schema, datasetNo, generation }
  return runNode(peer.script, { ...args })
}

/** Throws unless a peer's live rows are the bucket's objects and its missing rows those that are gone; then makes its tables fit for the next run. */
export async function checkPeer(
  peer: ResyncPeer,
  place: PeerPlace,
  run: RunReport,
  truth: { readonly present: SetSum; readonly gone: SetSum },
): Promise<void> {
  const { schema, name } = peer
  expectSum(name, { units: run.units }, truth.present)
  await withPool(place.databaseUrl, async (pool) => {
    expectSameSum(name, await sumOfDataset(pool, place.datasetNo, { schema }), truth.present)
    expectSameSum(
      `what the ${name} marked`,
      await sumOfDataset(pool, place.datasetNo, { schema, state: 1 }),
      truth.gone,
    )
  })
  await tidy(peer, place.databaseUrl)
}

async function tidy({ schema }: ResyncPeer, databaseUrl: string): Promise<void> {
  await withPool(databaseUrl, (pool) => pool.query(`vacuum (analyze) ${schema}.item`))
}
