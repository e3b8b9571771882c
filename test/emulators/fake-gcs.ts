import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startChildServer } from './child-server.ts'
import { type GoProgram, goProgramFile, missingGoProgram } from './go-program.ts'

/** A running fake-gcs-server: another project's idea of Google's JSON API, which looks at no token and no signature. */
export interface FakeGcsServer {
  readonly endpoint: string
  createBucket(name: string): Promise<void>
  /** The keys of a bucket, by its own listing in one page. */
  keys(bucket: string): Promise<string[]>
  stop(): Promise<void>
}

const program: GoProgram = {
  name: 'fake-gcs-server',
  module: 'github.com/fsouza/fake-gcs-server',
  version: 'v1.56.1',
}

/** Why fake-gcs-server cannot be started here; null when it can. */
export const missingForFakeGcs = () => missingGoProgram(program)

/** Starts fake-gcs-server with its objects in memory, on a free loopback port. */
export async function startFakeGcsServer(): Promise<FakeGcsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-fake-gcs-'))
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const listen = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-public-host', `127.0.0.1:${port}`]
  const server = await startChildServer({
    file: await goProgramFile(program),
    args: ['-backend', 'memory', ...listen, '-external-url', endpoint, '-log-level', 'error', '-data', folder],
    url: `${endpoint}/_internal/healthcheck`,
    cwd: folder,
  })
  const ask = async (path: string, init?: RequestInit) => {
    const answer = await fetch(`${endpoint}/storage/v1/${path}`, init)
    if (!answer.ok) throw new Error(`fake-gcs-server answered ${answer.status} to ${path}`)
    return (await answer.json()) as { items?: { name: string }[]; nextPageToken?: string }
  }
  return {
    endpoint,
    async createBucket(name) {
      const headers = { 'content-type': 'application/json' }
      await ask('b?project=test', { method: 'POST', headers, body: JSON.stringify({ name }) })
    },
    async keys(bucket) {
      const keys: string[] = []
      let token = ''
      do {
        const page = await ask(`b/${bucket}/o?maxResults=1000${token && `&pageToken=${encodeURIComponent(token)}`}`)
        for (const { name } of page.items ?? []) keys.push(name)
        token = page.nextPageToken ?? ''
      } while (token !== '')
      return keys
    },
    async stop() {
      await server.stop()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
