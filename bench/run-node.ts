import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { usageOf } from './child.ts'
import type { Run } from './measure.ts'

/** What a run in a process of its own found, so that its correctness can be checked. */
export interface RunReport extends Run {
  readonly bytes?: number
  readonly checksum?: string
  readonly requests?: number
}

/**
 * Runs `bench/runs/<script>` in a process of its own, so that memory, compiled code and processor time are that contender's alone,
 * and reads the one JSON line it prints. Throws when it fails.
 */
export async function runNode(
  script: string,
  args: Readonly<Record<string, string | number | boolean>>,
): Promise<RunReport> {
  const path = fileURLToPath(new URL(`runs/${script}`, import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, JSON.stringify(args)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${script} failed (${code})`)
  return JSON.parse(output) as RunReport
}

/** What the script of a run was given. */
export function runArgs<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T
}

/** Times the work of a run and prints its report; processor time is that of the work alone, memory that of the whole process. */
export async function report(
  work: () => Promise<Omit<RunReport, 'seconds' | 'cpuMicros' | 'rssMaxMb'>>,
): Promise<void> {
  const cpu = process.cpuUsage()
  const started = performance.now()
  const outcome = await work()
  const seconds = (performance.now() - started) / 1000
  const used = process.cpuUsage(cpu)
  const full: RunReport = {
    ...outcome,
    seconds,
    cpuMicros: used.user + used.system,
    rssMaxMb: usageOf(process.pid).rssMaxMb,
  }
  process.stdout.write(`${JSON.stringify(full)}\n`, () => process.exit(0))
}
