import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { promisify } from 'node:util'

/** Names one process for good: a pid alone comes round again, a pid with its start time and its machine does not. */
export interface ProcessMark {
  readonly pid: number
  /** Opaque; equal only for the same start. */
  readonly startedAt: string
  /** Where the pid means something: this boot of this machine, and this container. */
  readonly place: string
}

/** The mark of a running process on this machine; null when there is no such process. */
export async function markOf(pid: number): Promise<ProcessMark | null> {
  const startedAt = await startTime(pid)
  return startedAt === null ? null : { pid, startedAt, place: await place() }
}

/** Whether the process a mark was made of still runs; `unknown` when it belongs to another machine, boot or container. */
export async function isSameProcess(mark: ProcessMark): Promise<boolean | 'unknown'> {
  if (mark.place !== (await place())) return 'unknown'
  return (await startTime(mark.pid)) === mark.startedAt
}

/** Whether a process with this number exists; it may be another user's. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The command line of a process, words separated by spaces; empty when it cannot be read. */
export async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')
  }
  return await ps(pid, 'command=')
}

async function startTime(pid: number): Promise<string | null> {
  if (process.platform === 'linux') {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
    if (text === null) return null
    // The second field is the program's name in brackets and may hold anything, so count from its end: state is the first, start time the 20th.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    // A zombie is only waiting to be counted; it holds nothing any more.
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  }
  const started = await ps(pid, 'lstart=')
  return started === '' ? null : started
}

async function ps(pid: number, column: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', column, '-p', String(pid)])
    return stdout.trim()
  } catch {
    return ''
  }
}

async function place(): Promise<string> {
  if (process.platform !== 'linux') return hostname()
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => hostname())
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '')
  return `${boot.trim()} ${namespace}`
}
