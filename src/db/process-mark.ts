import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
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

/** Whether a process with this number runs; it may be another user's. One that has ended and waits to be counted does not run. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  if (process.platform !== 'linux') return true
  try {
    return stateAndStart(readFileSync(`/proc/${pid}/stat`, 'utf8')).state !== 'Z'
  } catch {
    return false
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
    const { state, started } = stateAndStart(text)
    return state === 'Z' ? null : started
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

/** Two fields of Linux's `stat`. The second field is the program's name in brackets and may hold anything, so they are counted from its end. */
function stateAndStart(text: string): { state: string; started: string } {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', started: fields[19] ?? '' }
}
