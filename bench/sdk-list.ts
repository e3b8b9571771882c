import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endPython } from '../test/sdk/python.ts'
import { BrowseTree, seedTree } from './browse-seed.ts'
import { startDatabase, withPool } from './database.ts'
import { makeBareDataset } from './indexing.ts'
import type { BenchOptions } from './options.ts'
import { progress, type Result } from './report.ts'
import { startSluice } from './server.ts'

/** The SDK takes a millisecond an item of its own. */
const SECONDS_MAX = 3_600

interface Listed {
  readonly count: number
  readonly different: number
  readonly seconds: number
}

/** Every item of a dataset by the vendor's unmodified SDK, page after page as its own iteration goes: each once. */
export async function benchSdkList(options: BenchOptions): Promise<Result> {
  const n = options.objects ?? 1_000_000
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-sdk-'))
  const database = await startDatabase()
  try {
    const databaseUrl = await database.create('sdk')
    const sluice = await startSluice({ databaseUrl, dataDir: join(folder, 'data') })
    try {
      const dataset = await makeBareDataset(sluice.api, 'sdk')
      progress(`filling ${n} items`)
      await withPool(databaseUrl, (pool) => seedTree(pool, dataset.id, new BrowseTree(n)))
      const script = fileURLToPath(new URL('./runs/list_items.py', import.meta.url))
      const { email, password } = sluice.owner
      const { code, stdout, stderr } = await endPython(
        [script, sluice.url, email, password, dataset.id],
        folder,
        SECONDS_MAX,
      )
      if (code !== 0) throw new Error(`the SDK ended with ${code}: ${stderr.slice(-2_000)}`)
      const listed = JSON.parse(stdout.trim().split('\n').at(-1)!) as Listed
      if (listed.count !== n || listed.different !== n)
        throw new Error(`the SDK listed ${listed.count} items, ${listed.different} different ones, of ${n}`)
      return {
        bench: 'sdk-list',
        n,
        contenders: [{ name: 'the SDK', seconds: listed.seconds, perSecond: listed.count / listed.seconds }],
      }
    } finally {
      await sluice.stop()
    }
  } finally {
    await database.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
