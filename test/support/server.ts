// The real command in a process of its own, as a user starts it.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A started `sluice` command. */
export interface ServerProcess {
  /** Process of the entry command (bin/sluice.mjs). */
  readonly child: ChildProcess
  /** Process of the server itself. */
  readonly pid: number
  /** Where it listens. */
  readonly url: string
  /** Everything it has written so far. */
  output(): string
  /** How it ends: exit code, or the name of the signal. */
  readonly ended: Promise<number | string>
  /** SIGTERM, then its end. */
  stop(): Promise<number | string>
}

const entry = fileURLToPath(new URL('../../bin/sluice.mjs', import.meta.url))
const READY_MS = 60_000

/** A data folder that PostgreSQL's own user can pass through, removed by `remove()`. */
export async function makeDataDir(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-data-'))
  await chmod(path, 0o711)
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}

/** The environment of a server: ours without what would steer it, on a free port, with the given variables. */
function serverEnv(env: Record<string, string>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(SLUICE_|DATABASE_URL$|NODE_OPTIONS$|VITEST)/.test(name),
  )
  return { ...Object.fromEntries(own), SLUICE_PORT: '0', SLUICE_LOG_LEVEL: 'info', ...env }
}

/** Runs a command of `sluice` that is expected to end by itself. */
export async function runCommand(
  command: string,
  env: Record<string, string>,
): Promise<{ code: number | string; output: string }> {
  const { child, ended, output } = spawnCommand(command, env)
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_MS)
  const code = await ended
  clearTimeout(timer)
  return { code, output: output() }
}

/** Starts `sluice serve` and resolves when it answers. */
export async function startServerProcess(env: Record<string, string>): Promise<ServerProcess> {
  const { child, ended, output } = spawnCommand('serve', env)
  let hasEnded = false
  void ended.then(() => (hasEnded = true))
  const until = Date.now() + READY_MS
  for (;;) {
    const url = /"listening on (http:\/\/[^\s;,]+)/.exec(output())?.[1]
    const pid = /SIGTERM to process (\d+) stops it/.exec(output())?.[1]
    if (url !== undefined && pid !== undefined) {
      const stop = () => {
        child.kill('SIGTERM')
        return ended
      }
      return { child, pid: Number(pid), url, output, ended, stop }
    }
    if (hasEnded || Date.now() > until) {
      child.kill('SIGKILL')
      throw new Error(`the server did not start:\n${output()}`)
    }
    await new Promise((done) => setTimeout(done, 20))
  }
}

function spawnCommand(command: string, env: Record<string, string>) {
  const child = spawn(process.execPath, [entry, command], { stdio: ['ignore', 'pipe', 'pipe'], env: serverEnv(env) })
  let text = ''
  child.stdout!.on('data', (chunk) => (text += String(chunk)))
  child.stderr!.on('data', (chunk) => (text += String(chunk)))
  // When the test run ends in the middle, nothing must be left behind; the server notices that its command is gone.
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise<number | string>((done) =>
    child.once('close', (code, signal) => {
      process.removeListener('exit', kill)
      done(code ?? String(signal))
    }),
  )
  return { child, ended, output: () => text }
}
