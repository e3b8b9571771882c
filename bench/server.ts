import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from '../bin/node-flags.mjs'
import { Api } from './api.ts'
import { stopChild } from './child.ts'

/** The real server in a process of its own, with an owner logged in. */
export interface SluiceServer {
  readonly pid: number
  /** Where it is, without a slash at the end. */
  readonly url: string
  readonly owner: { readonly email: string; readonly password: string }
  readonly api: Api
  readonly orgId: string
  stop(): Promise<void>
}

const readyMs = 60_000

/**
 * Starts `sluice serve` on a database and logs its owner in.
 *
 * `dataDir` takes the generated keys. What the server logs at `warn` and above is shown.
 */
export async function startSluice(options: {
  databaseUrl: string
  dataDir: string
  connections?: number | undefined
}): Promise<SluiceServer> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const owner = { email: 'bench@sluice.example', password: randomBytes(12).toString('base64url') }
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const child = spawn(process.execPath, [...nodeFlags, main, 'serve'], {
    // Its log goes beside ours: standard output holds the result alone.
    stdio: ['ignore', 2, 'inherit'],
    env: {
      ...process.env,
      SLUICE_PORT: String(port),
      SLUICE_HOST: '127.0.0.1',
      SLUICE_DATA_DIR: options.dataDir,
      DATABASE_URL: options.databaseUrl,
      SLUICE_OWNER_EMAIL: owner.email,
      SLUICE_OWNER_PASSWORD: owner.password,
      SLUICE_ORG_NAME: 'Bench',
      SLUICE_LOG_LEVEL: 'warn',
      ...(options.connections === undefined ? {} : { SLUICE_LIST_CONNECTIONS: String(options.connections) }),
    },
  })
  const stop = () => stopChild(child)
  // Whatever ends the benchmark ends the server with it.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  try {
    await untilReady(url, () => child.exitCode !== null)
    const api = await Api.logIn(url, owner)
    const orgs = await api.call<{ id: string }[]>('GET', '/orgs')
    return {
      pid: child.pid!,
      url,
      owner,
      api,
      orgId: orgs[0]!.id,
      stop: async () => {
        api.close()
        await stop()
        process.removeListener('exit', kill)
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function untilReady(url: string, hasEnded: () => boolean): Promise<void> {
  const until = Date.now() + readyMs
  while (Date.now() < until) {
    if (hasEnded()) throw new Error('the server ended while it started')
    const isReady = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (isReady) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`the server was not ready after ${readyMs / 1000} s`)
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
