import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { caseResult } from './browse.ts'
import { BrowseTree, flatPath, seedTree } from './browse-seed.ts'
import { runProgram } from './child.ts'
import { type ScrollResult, scrollView, type View } from './console-scroll.ts'
import { clickToItems, logIn, longestStall, openChromium, openWindow } from './console-window.ts'
import { startDatabase, withPool } from './database.ts'
import { makeBareDataset } from './indexing.ts'
import type { BenchOptions } from './options.ts'
import { type CaseResult, type GoalResult, goalOf, progress, type Result } from './report.ts'
import { type SluiceServer, startSluice } from './server.ts'

/** Goals of the console: bytes are of 1,000 in a kB, as in its test. */
const FIRST_VIEW_KB = 300
const CLICK_MS = 1000
/** Memory and nodes at the last end ÷ at the second, when all that is kept for half a minute is there: what is bounded does not grow. */
const GROWTH = 1.25
/** Items of the flat folder that lie at the top instead, so that a click on the dataset has something to show. */
const TOP_ITEMS = 100
const datasetName = 'a million items'

/** The result, with what was seen of each view besides. */
interface ConsoleResult extends Result {
  readonly views: readonly ScrollResult[]
  /** Longest time that the machine took from a page that only counts, before and after, in milliseconds. */
  readonly stallsMs: readonly number[]
}

/** The console in Chromium, on the real server with a dataset of a million items: first view, clicks, and scrolling from top to bottom. */
export async function benchConsole(options: BenchOptions): Promise<Result> {
  const n = options.objects ?? 1_000_000
  const rounds = Math.max(3, options.rounds ?? 4)
  // What was built earlier would be measured in place of what stands here.
  const entry = fileURLToPath(new URL('../bin/sluice.mjs', import.meta.url))
  await runProgram({ command: process.execPath, args: [entry, 'build'] })
  return await withStage(n, options.connections, async (sluice, tree, datasetId) => {
    const browser = await openChromium()
    try {
      const stallsMs = [await longestStall(browser)]
      const clicks = await measureClicks(browser, sluice, tree, rounds)
      const views: ScrollResult[] = []
      for (const view of ['gallery', 'list'] satisfies View[]) {
        progress(`scrolling the ${view} from end to end ${rounds} times`)
        const window = await openWindow(browser, sluice.url)
        await logIn(window, sluice.owner, datasetName)
        views.push(await scrollView(window, { view, datasetId, tree, rounds }))
        await window.close()
        stallsMs.push(await longestStall(browser))
      }
      return resultOf(n, clicks, views, stallsMs)
    } finally {
      await browser.close()
    }
  })
}

async function withStage<T>(
  n: number,
  connections: number | undefined,
  work: (sluice: SluiceServer, tree: BrowseTree, datasetId: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-console-'))
  const database = await startDatabase()
  try {
    const databaseUrl = await database.create('console')
    const sluice = await startSluice({ databaseUrl, dataDir: join(folder, 'data'), connections })
    try {
      const { id } = await makeBareDataset(sluice.api, datasetName)
      const tree = new BrowseTree(n)
      progress(`filling ${n} items into ${tree.leaves} leaf folders and a flat one of ${tree.flatItems}`)
      await withPool(databaseUrl, async (pool) => {
        const { datasetNo } = await seedTree(pool, id, tree)
        await pool.query(
          `with flat as (select dir_no from dir where dataset_no = $1 and path = $2),
                top as (update item i set dir_no = 1 from flat
                         where i.dataset_no = $1 and i.dir_no = flat.dir_no and i.name < $3 returning i.size_bytes),
                sums as (select count(*) as items, coalesce(sum(size_bytes), 0)::bigint as bytes from top),
                fewer as (update dir d set items = d.items - s.items, bytes = d.bytes - s.bytes,
                                 deep_items = d.deep_items - s.items, deep_bytes = d.deep_bytes - s.bytes
                            from sums s, flat where d.dataset_no = $1 and d.dir_no = flat.dir_no)
           update dir d set items = s.items, bytes = s.bytes from sums s where d.dataset_no = $1 and d.dir_no = 1`,
          [datasetNo, flatPath, tree.flatName(TOP_ITEMS)],
        )
        await pool.query('vacuum (analyze) item, dir')
      })
      await database.checkpoint()
      return await work(sluice, tree, id)
    } finally {
      await sluice.stop()
    }
  } finally {
    await database.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Clicks {
  readonly firstViewKb: number
  readonly cases: readonly { readonly name: string; readonly times: number[] }[]
}

/** Clicks that lead to items, each time in a window that has never seen the console. */
async function measureClicks(
  browser: Browser,
  sluice: SluiceServer,
  tree: BrowseTree,
  rounds: number,
): Promise<Clicks> {
  const dataset: number[] = []
  const folder: number[] = []
  const deep: number[] = []
  let firstViewKb = 0
  for (let round = 0; round < rounds; round++) {
    const window = await openWindow(browser, sluice.url)
    const { page } = window
    await logIn(window, sluice.owner, datasetName)
    firstViewKb = (await window.scriptBytes()) / 1000
    const link = page.getByRole('link', { name: datasetName, exact: true })
    dataset.push(await clickToItems(page, tree.flatName(0), () => link.click()))
    const node = page.locator('.name', { hasText: new RegExp(`^${flatPath.slice(0, -1)}$`) })
    folder.push(await clickToItems(page, tree.flatName(TOP_ITEMS), () => node.click()))
    // Back to the top, then everything below it.
    await page.goBack()
    const below = page.getByRole('switch', { name: 'With folders below' })
    deep.push(await clickToItems(page, tree.deepName(0), () => below.click()))
    expectNoFailures(window.failures)
    await window.close()
  }
  return {
    firstViewKb,
    cases: [
      { name: 'click on the dataset → items at its top', times: dataset },
      { name: `click on a folder of ${(tree.flatItems - TOP_ITEMS).toLocaleString('en')} → items`, times: folder },
      { name: 'click on “With folders below” → items of the whole', times: deep },
    ],
  }
}

function expectNoFailures(failures: readonly string[]): void {
  if (failures.length > 0) throw new Error(`requests failed: ${failures.slice(0, 5).join('; ')}`)
}

function resultOf(n: number, clicks: Clicks, views: readonly ScrollResult[], stallsMs: number[]): ConsoleResult {
  const stall = Math.round(Math.max(...stallsMs))
  return {
    bench: 'console',
    n,
    cases: [...clicks.cases.map(({ name, times }) => caseResult(name, times)), ...views.flatMap(casesOf)],
    goals: [
      goalOf('scripts of the first view, kB zipped', clicks.firstViewKb, { atMost: FIRST_VIEW_KB }),
      // Every click counts, not only the one in the middle: of few the slowest says what somebody has met.
      ...clicks.cases.map(({ name, times }) =>
        goalOf(`slowest ms: ${name}`, Math.round(Math.max(...times)), { atMost: CLICK_MS }),
      ),
      ...views.flatMap((view) => goalsOf(view, stall)),
    ],
    views,
    stallsMs,
  }
}

function casesOf({ view, queriesMs, bottomMs }: ScrollResult): CaseResult[] {
  return [
    caseResult(`${view}: a page of items meanwhile`, queriesMs),
    caseResult(`${view}: arrived at an end → its items`, bottomMs),
  ]
}

function goalsOf(result: ScrollResult, stallMs: number): GoalResult[] {
  const { view, tasks, ends, failures, blankEnds } = result
  const last = ends.at(-1)!
  return [
    goalOf(`${view}: tasks over 100 ms of processor time`, tasks.longCpu, { atMost: 0 }),
    goalOf(`${view}: tasks over 100 ms by the clock (machine’s own longest stall ${stallMs} ms)`, tasks.long, {
      atMost: 0,
    }),
    goalOf(`${view}: memory, last end ÷ second`, last.heapMb / ends[1]!.heapMb, { atMost: GROWTH }),
    goalOf(`${view}: nodes, last end ÷ second`, last.nodes / ends[1]!.nodes, { atMost: GROWTH }),
    goalOf(`${view}: requests failed`, failures, { atMost: 0 }),
    goalOf(`${view}: ends that stayed blank`, blankEnds, { atMost: 0 }),
  ]
}
