import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'

/** A running Swift with one user who owns everything. */
export interface Swift {
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
  readonly region: string
  createBucket(name: string): Promise<void>
  /** The keys of a bucket, by Swift's own API. */
  keys(bucket: string): Promise<string[]>
  /** Writes an object by Swift's own API, which takes names that its S3 does not list. */
  put(bucket: string, key: string, content: string): Promise<void>
  stop(): Promise<void>
}

const run = promisify(execFile)
const programs = [
  'swift-proxy-server',
  'swift-account-server',
  'swift-container-server',
  'swift-object-server',
  'swift-ring-builder',
  'memcached',
]

/** What to install, said when something is missing. */
export const swiftPackages = 'swift-proxy swift-account swift-container swift-object memcached'

/** The programs Swift needs and this machine lacks; empty when it can be started. For suites that are left out without it. */
export async function missingForSwift(): Promise<string[]> {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/bin', '/usr/sbin']
  const missing: string[] = []
  for (const program of programs) {
    const found = await Promise.any(folders.map((folder) => access(join(folder, program), constants.X_OK))).then(
      () => true,
      () => false,
    )
    if (!found) missing.push(program)
  }
  return missing
}

/**
 * Starts OpenStack Swift with its `s3api`, an S3-compatible storage of the old kind: no conditional writes, no chunked bodies, MD5 demanded where S3 once
 * demanded it. It takes a few seconds.
 *
 * No container and no service manager: the programs are Debian's packages, run as children of this process on free loopback ports, in a folder of their
 * own that `stop()` removes.
 */
export async function startSwift(): Promise<Swift> {
  const missing = await missingForSwift()
  if (missing.length > 0) throw new Error(`Swift is not installed: no ${missing.join(', ')}. Install ${swiftPackages}.`)
  const folder = await mkdtemp(join(tmpdir(), 'sluice-swift-'))
  const children: ChildProcess[] = []
  const stop = async () => {
    await stopAll(children)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const endpoint = await startServers(folder, children)
    return await connect(endpoint, stop)
  } catch (error) {
    const said = await lastWords(folder)
    await stop()
    throw new Error(`Swift did not start. ${said}`, { cause: error })
  }
}

const kinds = ['account', 'container', 'object'] as const
const user = { name: 'test:tester', key: 'swiftsecret' }

async function startServers(folder: string, children: ChildProcess[]): Promise<string> {
  await mkdir(join(folder, 'devices', 'd1'), { recursive: true })
  const [proxyPort, cachePort, ...ports] = await freePorts(5)
  const start = async (name: string, program: string, args: readonly string[]) => {
    const log = join(folder, `${name}.log`)
    // A shell, because it is what writes to a file from the outset; it is replaced by the program.
    const line = `exec setpriv --pdeathsig KILL ${program} ${args.join(' ')} >${log} 2>&1`
    children.push(spawn('/bin/sh', ['-c', line], { cwd: folder, stdio: 'ignore' }))
  }
  await start('cache', 'memcached', ['-u', userInfo().username, '-l', '127.0.0.1', '-p', `${cachePort}`, '-m', '16'])
  for (const [at, kind] of kinds.entries()) {
    const builder = join(folder, `${kind}.builder`)
    await run('swift-ring-builder', [builder, 'create', '4', '1', '1'])
    await run('swift-ring-builder', [builder, 'add', `r1z1-127.0.0.1:${ports[at]}/d1`, '1'])
    await run('swift-ring-builder', [builder, 'rebalance'])
    const conf = join(folder, `${kind}-server.conf`)
    await writeFile(conf, storeConfiguration(folder, kind, ports[at]!))
    await start(kind, `swift-${kind}-server`, [conf])
  }
  const conf = join(folder, 'proxy-server.conf')
  await writeFile(conf, proxyConfiguration(folder, proxyPort!, cachePort!))
  await start('proxy', 'swift-proxy-server', [conf])
  const endpoint = `http://127.0.0.1:${proxyPort}`
  for (let waited = 0; waited < 60_000; waited += 200) {
    if (children.some((child) => child.exitCode !== null)) throw new Error('a server ended')
    const answer = await fetch(`${endpoint}/healthcheck`).catch(() => null)
    if (answer?.ok === true) return endpoint
    await sleep(200)
  }
  throw new Error('the proxy does not answer')
}

async function connect(endpoint: string, stop: () => Promise<void>): Promise<Swift> {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: user.name, secretAccessKey: user.key },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  const entered = await fetch(`${endpoint}/auth/v1.0`, {
    headers: { 'x-auth-user': user.name, 'x-auth-key': user.key },
  })
  const address = entered.headers.get('x-storage-url')
  const token = entered.headers.get('x-auth-token')
  if (address === null || token === null) throw new Error(`the log-in answered ${entered.status}`)
  const headers = { 'x-auth-token': token }
  return {
    endpoint,
    accessKey: user.name,
    secretKey: user.key,
    region: 'us-east-1',
    createBucket: async (name) => void (await client.send(new CreateBucketCommand({ Bucket: name }))),
    async keys(bucket) {
      const answer = await fetch(`${address}/${bucket}?format=json`, { headers })
      return ((await answer.json()) as { name: string }[]).map(({ name }) => name)
    },
    async put(bucket, key, content) {
      const path = encodeURIComponent(key).replaceAll('%2F', '/')
      const answer = await fetch(`${address}/${bucket}/${path}`, { method: 'PUT', headers, body: content })
      if (!answer.ok) throw new Error(`writing answered ${answer.status}`)
    },
    async stop() {
      client.destroy()
      await stop()
    },
  }
}

function storeConfiguration(folder: string, kind: (typeof kinds)[number], port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
swift_dir = ${folder}
devices = ${folder}/devices
mount_check = false
fallocate_reserve = 0
disable_fallocate = true
recon_cache_path = ${folder}
log_level = WARNING
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`
}

function proxyConfiguration(folder: string, port: number, cachePort: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
swift_dir = ${folder}
log_level = WARNING
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = ${user.key} .admin
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
s3_acl = false
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${cachePort}
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
`
}

async function stopAll(children: readonly ChildProcess[]): Promise<void> {
  for (const child of [...children].reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = once(child, 'exit')
    // Nothing of it is worth an orderly end.
    child.kill('SIGKILL')
    await ended
  }
}

async function lastWords(folder: string): Promise<string> {
  const texts = await Promise.all(
    ['proxy', ...kinds, 'cache'].map(async (name) => {
      const text = await readFile(join(folder, `${name}.log`), 'utf8').catch(() => '')
      return `${name}: ${text.trim().split('\n').slice(-2).join(' | ')}`
    }),
  )
  return texts.join('\n')
}

/** All held at once, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  for (const server of servers) server.close()
  await Promise.all(servers.map((server) => once(server, 'close')))
  return ports
}
