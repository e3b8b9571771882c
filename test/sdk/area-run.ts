// Runs area scripts against a server and reads the checks they tell.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endPython } from './python.ts'
import type { SuiteBucket } from './witness.ts'

/** What every area script is told. */
export interface AreaTask {
  readonly server: string
  readonly witness: string
  readonly email: string
  readonly password: string
  readonly bucket: SuiteBucket
  /** A bucket of the fake of Google Cloud Storage, the key file that opens it, and what is in its folder `folder`. */
  readonly gcs: { readonly bucket: string; readonly content: string; readonly files: Readonly<Record<string, string>> }
  /** A container of the fake of a hierarchical Azure account, the log-in that opens it, and what is in its folder `folder`. */
  readonly azure: {
    readonly container: string
    readonly options: Readonly<Record<string, string>>
    readonly files: Readonly<Record<string, string>>
  }
}

/** One check: what the SDK gave, and what it had to be. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly got: unknown
  readonly want: unknown
}

/** What came of an area. */
export interface AreaOutcome {
  readonly area: string
  readonly checks: readonly Check[]
  /** Why the script did not come to its end; null when it did. */
  readonly failure: string | null
  readonly seconds: number
  /** How long each step took, the slowest first. */
  readonly steps: readonly string[]
}

interface Line extends Partial<Check> {
  readonly end?: true
  readonly step?: string
  readonly seconds?: number
}

/** Runs one script, `test/sdk/areas/NAME.py`, with a state folder of its own below `folder`. */
export async function runArea(area: string, task: AreaTask, folder: string): Promise<AreaOutcome> {
  const stateDir = join(folder, `area-${area}`)
  await mkdir(stateDir, { recursive: true })
  const file = join(stateDir, 'task.json')
  await writeFile(file, JSON.stringify(task))
  const startedMs = performance.now()
  const script = fileURLToPath(new URL(`./areas/${area}.py`, import.meta.url))
  const { code, stdout, stderr } = await endPython([script, file], stateDir)
  const lines = stdout
    .split('\n')
    .filter((line) => line.startsWith('@@ '))
    .map((line) => JSON.parse(line.slice(3)) as Line)
  const isWhole = code === 0 && lines.at(-1)?.end === true
  const steps = lines.filter((line) => line.step !== undefined).sort((a, b) => b.seconds! - a.seconds!)
  return {
    area,
    checks: lines.filter((line): line is Check => line.name !== undefined),
    failure: isWhole ? null : `ended with ${code}: ${stderr.slice(-3000)}`,
    seconds: (performance.now() - startedMs) / 1000,
    steps: steps.map(({ step, seconds }) => `${step} ${seconds}`),
  }
}

/** Runs the scripts, `atOnce` at a time, in the given order. */
export async function runAreas(
  areas: readonly string[],
  task: AreaTask,
  folder: string,
  atOnce: number,
): Promise<AreaOutcome[]> {
  const outcomes: AreaOutcome[] = []
  const left = [...areas]
  const work = async () => {
    for (let area = left.shift(); area !== undefined; area = left.shift())
      outcomes.push(await runArea(area, task, folder))
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return outcomes.sort((a, b) => areas.indexOf(a.area) - areas.indexOf(b.area))
}
