// Preloaded into a worker: lets it read small pages and commit small batches, so that a few thousand objects meet as many borders as millions would.
// Constants of the product are replaced while its files are loaded; each must be found, so that a renamed one is noticed.
import { registerHooks } from 'node:module'
import { PAGE_KEYS } from './page-keys.ts'

/** File, constant as it stands, constant as the worker gets it. */
const smaller = [
  ['src/storage/s3/s3.ts', /list_page_max: 1000\b/, `list_page_max: ${PAGE_KEYS}`],
  ['src/core/sync/rows/ingest.ts', /\bBATCH_ROWS = 15_000\b/, 'BATCH_ROWS = 250'],
  ['src/jobs/hint-drain.ts', /\bWAKE_MS = 1_000\b/, 'WAKE_MS = 50'],
  // Only where a test asks for it: a run in many slices, each given back and queued again.
  [
    'src/core/sync/slice.ts',
    /\bSLICE_MS_MAX = 5 \* 60_000\b/,
    `SLICE_MS_MAX = ${process.env.CRASH_SLICE_MS ?? '300_000'}`,
  ],
] as const

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const change = smaller.find(([file]) => url.endsWith(`/${file}`))
    if (change === undefined) return loaded
    const source = String(Buffer.from(loaded.source as Uint8Array))
    const [file, before, after] = change
    if (!before.test(source)) throw new Error(`${file} has no ${before.source} any more; teach small-batches.ts`)
    return { ...loaded, source: source.replace(before, after) }
  },
})
