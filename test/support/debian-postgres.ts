// The oldest PostgreSQL we run on, from Debian's package, as the operator's own database.
import { execFile, spawn } from 'node:child_process'
import { access, chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)
const programs = '/usr/lib/postgresql/15/bin'

/** Whether Debian's PostgreSQL 15 (package `postgresql-15`) is installed. */
export async function hasDebianPostgres(): Promise<boolean> {
  return await access(join(programs, 'postgres')).then(
    () => true,
    () => false,
  )
}

/** Starts it on a free loopback port, in a folder of its own that `stop()` removes. */
export async function startDebianPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-pg15-'))
  const user = process.getuid?.() === 0 ? { uid: await idOf('-u'), gid: await idOf('-g') } : {}
  if (user.uid !== undefined) await chown(folder, user.uid, user.gid)
  await chmod(folder, 0o700)
  const data = join(folder, 'data')
  await run(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'sluice', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    {
      ...user,
      cwd: folder,
    },
  )
  const port = await freePort()
  const args = ['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off']
  const child = spawn(join(programs, 'postgres'), args, { ...user, cwd: folder, stdio: 'ignore', detached: true })
  const kill = () => void child.kill('SIGQUIT')
  process.once('exit', kill)
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  const url = `postgres://sluice@127.0.0.1:${port}/postgres`
  await untilReady(url)
  return {
    url,
    async stop() {
      child.kill('SIGINT')
      await ended
      process.removeListener('exit', kill)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function idOf(which: '-u' | '-g'): Promise<number> {
  return Number((await run('id', [which, 'nobody'])).stdout)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}

async function untilReady(url: string): Promise<void> {
  const until = Date.now() + 30_000
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      await client.end()
      return
    } catch (error) {
      if (Date.now() > until) throw error
      await new Promise((done) => setTimeout(done, 50))
    }
  }
}
