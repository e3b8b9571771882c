import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A program that serves on a loopback port until it is stopped. */
export interface ChildServer {
  stop(): Promise<void>
}

/** Starts a server, waits until its address answers anything at all, and ends it with this process even when that is killed. */
export async function startChildServer(options: {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly url: string
  readonly cwd: string
}): Promise<ChildServer> {
  const { file, args, url, cwd } = options
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', file, ...args], {
    cwd,
    stdio: 'ignore',
    env: { ...process.env, ...options.env },
  })
  child.on('error', () => {})
  const stop = () => end(child)
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 100) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${file} ended by itself`)
    const answer = await fetch(url).catch(() => null)
    await answer?.arrayBuffer()
    if (answer !== null) return { stop }
    await sleep(100)
  }
  await stop()
  throw new Error(`${file} does not answer`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
