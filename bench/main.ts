// `npm run bench -- NAME …`: runs one benchmark with its peers and prints the result, as one JSON line or as a table.
import { type BenchOptions, parseOptions } from './options.ts'
import { progress, type Result, toJsonLine, toTable } from './report.ts'

type Bench = (options: BenchOptions) => Promise<Result>

const benches: Record<string, { about: string; load: () => Promise<Bench> }> = {
  scan: { about: 'parse listing pages, one core', load: async () => (await import('./scan.ts')).benchScan },
  listing: { about: 'list a bucket', load: async () => (await import('./listing.ts')).benchListing },
  'listing-gcs': {
    about: 'what a key of a Cloud Storage listing costs',
    load: async () => (await import('./listing-gcs.ts')).benchListingGcs,
  },
  'listing-azure': {
    about: 'what a key of an Azure listing costs',
    load: async () => (await import('./listing-azure.ts')).benchListingAzure,
  },
  sync: {
    about: 'first sync of a bucket, durable and indexed',
    load: async () => (await import('./sync.ts')).benchSync,
  },
  resync: {
    about: 'sync again what is indexed: unchanged, changed in places, changed everywhere',
    load: async () => (await import('./resync.ts')).benchResync,
  },
  memory: {
    about: 'memory of first sync and re-sync, of a bucket and of one ten times as big',
    load: async () => (await import('./memory.ts')).benchMemory,
  },
  presign: { about: 'sign read addresses, one core', load: async () => (await import('./presign.ts')).benchPresign },
  browse: {
    about: 'read pages, folders and items through HTTP',
    load: async () => (await import('./browse.ts')).benchBrowse,
  },
  query: {
    about: 'queries of what people gave their items, and counts alone, through HTTP',
    load: async () => (await import('./query.ts')).benchQuery,
  },
  console: {
    about: 'the console in a browser: first view, clicks, scrolling through everything',
    load: async () => (await import('./console.ts')).benchConsole,
  },
  'sdk-list': {
    about: 'list all items of a dataset by the vendor’s Python SDK',
    load: async () => (await import('./sdk-list.ts')).benchSdkList,
  },
  'api-under-sync': {
    about: 'the same while a sync runs',
    load: async () => (await import('./api-under-sync.ts')).benchApiUnderSync,
  },
}

function usage(): string {
  const lines = Object.entries(benches).map(([name, { about }]) => `  ${name.padEnd(16)}${about}`)
  return `usage: bench NAME [--objects N] [--changed F] [--latency MS] [--connections N] [--rounds N] [--layout NAME|all] [--json]\n${lines.join('\n')}`
}

try {
  const { name, options } = parseOptions(process.argv.slice(2))
  const bench = benches[name]
  if (bench === undefined) throw new Error(`there is no benchmark “${name}”`)
  const run = await bench.load()
  const result = await run(options)
  process.stdout.write(`${options.json ? toJsonLine(result) : toTable(result)}\n`)
  // Whatever still holds the loop open (a keep-alive socket of a peer) must not keep the terminal.
  process.exit(0)
} catch (error) {
  progress(error instanceof Error ? (error.stack ?? error.message) : String(error))
  progress(usage())
  process.exit(1)
}
