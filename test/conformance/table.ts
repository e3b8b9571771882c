// Writes docs/reference/driver-conformance.md from what the runs of the conformance suite left behind: `node test/conformance/table.ts`, after the suites ran.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Outcome } from './outcomes.ts'

/** The runs that stand in the table, in the order of its columns: the name a run has, and how the column is headed. */
const columns: readonly (readonly [run: string, head: string])[] = [
  ['memory', 'Memory'],
  ['local folder', 'Local folder'],
  ['S3 against Ceph', 'S3: Ceph'],
  ['S3 against Swift', 'S3: Swift'],
  ['S3 against MinIO', 'S3: MinIO'],
  ['GCS, our fake', 'GCS: our fake'],
  ['GCS against fake-gcs-server', 'GCS: fake-gcs-server'],
  ['Azure against Azurite', 'Azure: Azurite'],
  ['Registry against docker-registry', 'Registry: docker-registry'],
  ['example module: SQLite', 'Module: SQLite'],
]

const marksOf: Readonly<Record<string, string>> = {
  unnamed: 'K',
  write: 'W',
  list_after: 'A',
  read_range: 'R',
  write_if_absent: 'N',
  remove_if_match: 'M',
  sign_read: 'S',
  sign_write: 'U',
}

const HEAD = `# What every storage driver was tried with

One suite of cases (\`test/conformance\`) is run by every storage driver; this table is written from what those runs found, by \`node test/conformance/table.ts\`. Nothing in it is skipped:

- ✓: the driver does it.
- A letter: the driver says that it lacks a capability the case needs, and the run proved that just this is refused as \`unsupported\`, without a request to the provider. W: it writes nothing. A: listings cannot begin behind a key. N: no writes on the condition that nothing is there. M: no removals of one version only. S: it signs no addresses for reading. U: none for writing. R: no reading of parts.
- K: the provider has no name for the case's key, which was refused as \`unaddressable\`.
- A number: the counterpart, not the driver, gets it wrong, as said below the table; the run proved that it still does.

Ceph, Swift, MinIO, Azurite, docker-registry and fake-gcs-server are real programs of others, run by \`npm run test:stores\`; the rest runs with \`npm test\`. MinIO and fake-gcs-server are built from their sources where Go is on the machine. Azure's and Google's own services were not asked, for want of accounts. Container registries are read only: their listing and reading has a suite of its own besides (\`test/conformance/read-only.suite.ts\`).
`

/** The text of the page. Throws when a run is missing, failed or incomplete: a table of half a run would claim what nobody saw. */
export function conformancePage(runs: ReadonlyMap<string, Readonly<Record<string, Outcome>>>): string {
  const ids = Object.keys(runs.get('memory') ?? {})
  const faults: string[] = []
  const mark = (run: string, id: string): string => {
    const outcome = runs.get(run)?.[id]
    if (outcome === undefined || outcome === 'failed') throw new Error(`${run}: ${id}: ${outcome ?? 'did not run'}`)
    if (outcome === 'passed') return '✓'
    if (typeof outcome === 'string') return marksOf[outcome]!
    const note = `${run}: ${outcome.fault}`
    if (!faults.includes(note)) faults.push(note)
    return String(faults.indexOf(note) + 1)
  }
  const lines = [HEAD, `${ids.length} cases, ${columns.length} drivers and counterparts.`]
  for (const [title, group] of Map.groupBy(ids, (id) => id.split(': ', 1)[0]!)) {
    lines.push(`\n## ${title}\n`)
    lines.push(`| Case | ${columns.map(([, head]) => head).join(' | ')} |`)
    lines.push(`|---|${columns.map(() => ':-:').join('|')}|`)
    for (const id of group) {
      const marks = columns.map(([run]) => mark(run, id))
      lines.push(`| ${escaped(id.slice(title.length + 2))} | ${marks.join(' | ')} |`)
    }
  }
  lines.push('\n## What the counterparts get wrong\n')
  lines.push(...faults.map((note, i) => `${i + 1}. ${note}.`))
  return `${lines.join('\n')}\n`
}

/** The text of a cell: what Markdown or HTML would take for its own stands as itself. */
export function escaped(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\|`*_[\]~]/g, '\\$&')
}

async function readRuns(folder: string): Promise<Map<string, Record<string, Outcome>>> {
  const runs = new Map<string, Record<string, Outcome>>()
  for (const file of await readdir(folder)) {
    if (!file.endsWith('.json')) continue
    const { name, outcomes } = JSON.parse(await readFile(join(folder, file), 'utf8'))
    runs.set(name, outcomes)
  }
  return runs
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '../..')
  const page = conformancePage(await readRuns(join(root, 'test-results/conformance')))
  await writeFile(join(root, 'docs/reference/driver-conformance.md'), page)
}
