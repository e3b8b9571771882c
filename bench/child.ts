import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A child process of a benchmark; it ends with the benchmark, since its standard input does. */
export interface Child {
  readonly pid: number
  /** The first JSON line it printed. */
  readonly ready: unknown
  /** Ends it and waits for that. */
  stop(): Promise<void>
}

/** Time and memory a process has used so far. */
export interface Usage {
  readonly cpuMicros: number
  /** The most memory it has held at once, in megabytes of 1,048,576 bytes. */
  readonly rssMaxMb: number
}

// Linux counts processor time in ticks; 100 a second on every architecture Node runs on.
const microsPerTick = 10_000

/**
 * Reads what a living process has used, all its threads together; Linux only, zeros elsewhere.
 *
 * Source: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
 */
export function usageOf(pid: number): Usage {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return {
      cpuMicros: (Number(fields[11]) + Number(fields[12])) * microsPerTick,
      rssMaxMb: Number(peak?.[1] ?? 0) / 1024,
    }
  } catch {
    return { cpuMicros: 0, rssMaxMb: 0 }
  }
}

/**
 * Starts `bench/<script>` under the same Node and waits for its first line, a JSON document.
 *
 * Throws when it ends before it has printed one; what it says on standard error is shown.
 */
export async function startNode(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const ready = await firstLine(child, script)
  return { pid: child.pid!, ready, stop: () => stopChild(child) }
}

async function firstLine(child: ChildProcess, name: string): Promise<unknown> {
  const lines = createInterface({ input: child.stdout! })
  const line = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve)
    child.once('error', reject)
    child.once('exit', (code, signal) => reject(new Error(`${name} ended (${signal ?? code}) before it was ready`)))
  })
  // Keep reading, so that a talkative child never blocks on a full pipe.
  lines.on('line', () => {})
  return JSON.parse(line)
}

/** Ends a process with SIGTERM, after 15 seconds with SIGKILL. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended
  clearTimeout(timer)
}

/** Runs a program to its end and gives its output to `onChunk` as it comes; answers the seconds it took. Throws when it fails. */
export async function runProgram(options: {
  command: string
  args: readonly string[]
  env?: Readonly<Record<string, string | undefined>>
  onChunk?: (chunk: Buffer) => void
}): Promise<number> {
  const started = performance.now()
  const child = spawn(options.command, options.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2_000)
  })
  child.stdout.on('data', (chunk: Buffer) => options.onChunk?.(chunk))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${options.command} failed (${code}): ${complaint.trim()}`)
  return (performance.now() - started) / 1000
}

/** Whether a program is installed. */
export async function isInstalled(command: string, versionArg = '--version'): Promise<boolean> {
  return runProgram({ command, args: [versionArg] }).then(
    () => true,
    () => false,
  )
}
