import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { access, constants, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3'
import { putUserPolicy } from './ceph-iam.ts'

/** A user of a running Ceph. */
export interface CephUser {
  readonly name: string
  readonly accessKey: string
  readonly secretKey: string
}

/** What a Ceph is started with. */
export interface CephOptions {
  /** Also answer AssumeRole. Off by default, because with it this Ceph answers wrong keys and secrets with a plain AccessDenied. */
  readonly hasSts?: boolean
}

/** A running Ceph with one user who owns everything. */
export interface Ceph {
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
  readonly region: string
  createBucket(name: string): Promise<void>
  /** The keys of a bucket, as the gateway's own administration tells them: not through S3. */
  keys(bucket: string): Promise<string[]>
  /** Makes another user, with no rights in the first one's buckets. */
  createUser(name: string): Promise<CephUser>
  /** Makes a role that this user may assume, with a policy of its own; answers its ARN. Needs `hasSts`. */
  createRole(name: string, user: string, policy: object): Promise<string>
  deleteRole(name: string): Promise<void>
  /** Gives a user exactly these rights in a bucket, by a bucket policy. */
  allow(bucket: string, user: string, actions: readonly string[]): Promise<void>
  /** Gives everybody, known or not, these rights in a bucket. */
  allowAll(bucket: string, actions: readonly string[]): Promise<void>
  /** Gives a user a policy of its own, and no other; it holds in everybody's buckets. */
  setUserPolicy(user: string, policy: object): Promise<void>
  stop(): Promise<void>
}

const run = promisify(execFile)
const programs = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph', 'monmaptool', 'radosgw-admin']

/** What to install, said when something is missing. */
export const cephPackages = 'radosgw ceph-mon ceph-osd ceph-common'

/** The programs Ceph needs and this machine lacks; empty when it can be started. For suites that are left out without it. */
export async function missingForCeph(): Promise<string[]> {
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
 * Starts Ceph's RADOS Gateway, a real S3, with one monitor and one object store in memory; it takes some 15 seconds and 240 MB.
 *
 * No container and no service manager: the programs are Debian's packages, run as children of this process, on free loopback ports, in
 * a folder of their own that `stop()` removes. The region is `default`. Works as root or as any other user.
 */
export async function startCeph({ hasSts = false }: CephOptions = {}): Promise<Ceph> {
  const missing = await missingForCeph()
  if (missing.length > 0) throw new Error(`Ceph is not installed: no ${missing.join(', ')}. Install ${cephPackages}.`)
  const folder = await mkdtemp(join(tmpdir(), 'sluice-ceph-'))
  const children: ChildProcess[] = []
  const stop = async () => {
    await stopAll(children)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const endpoint = await startDaemons(folder, children, hasSts)
    const root = { accessKey: 'sluicekey', secretKey: 'sluicesecret' }
    await createUser(folder, 'sluice', root.accessKey, root.secretKey)
    const client = new S3Client({
      endpoint,
      region: 'default',
      forcePathStyle: true,
      credentials: { accessKeyId: root.accessKey, secretAccessKey: root.secretKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
    })
    return {
      endpoint,
      ...root,
      region: 'default',
      createBucket: async (name) => void (await client.send(new CreateBucketCommand({ Bucket: name }))),
      keys: (bucket) => keysOf(folder, bucket),
      async createUser(name) {
        const user = { name, accessKey: `${name}key`, secretKey: `${name}secret` }
        await createUser(folder, name, user.accessKey, user.secretKey)
        return user
      },
      createRole: (name, trusted, policy) => createRole(folder, name, trusted, policy),
      async deleteRole(name) {
        const admin = ['-c', join(folder, 'ceph.conf')]
        await run('radosgw-admin', [...admin, 'role-policy', 'delete', `--role-name=${name}`, '--policy-name=rights'])
        await run('radosgw-admin', [...admin, 'role', 'delete', `--role-name=${name}`])
      },
      async allow(bucket, user, actions) {
        const Policy = policyOf(bucket, { AWS: [`arn:aws:iam:::user/${user}`] }, actions)
        await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
      },
      async allowAll(bucket, actions) {
        const Policy = policyOf(bucket, '*', actions)
        await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
      },
      setUserPolicy: (user, policy) => putUserPolicy({ endpoint, ...root }, user, policy),
      async stop() {
        client.destroy()
        await stop()
      },
    }
  } catch (error) {
    const said = await lastWords(folder)
    await stop()
    throw new Error(`Ceph did not start. ${said}`, { cause: error })
  }
}

async function startDaemons(folder: string, children: ChildProcess[], hasSts: boolean): Promise<string> {
  for (const name of ['mon', 'osd', 'rgw', 'run', 'out']) await mkdir(join(folder, name))
  const [monPort, s3Port] = await Promise.all([freePort(), freePort()])
  const fsid = randomUUID()
  const osdId = randomUUID()
  const conf = join(folder, 'ceph.conf')
  await writeFile(conf, configuration({ folder, fsid, monPort, s3Port, hasSts }))
  await writeFile(join(folder, 'mon.keyring'), '')
  const at = { cwd: folder }
  const map = join(folder, 'monmap')
  await run('monmaptool', ['--create', '--clobber', '--addv', 'a', `v1:127.0.0.1:${monPort}`, '--fsid', fsid, map], at)
  await run(
    'ceph-mon',
    ['-c', conf, '--mkfs', '-i', 'a', '--monmap', map, '--keyring', join(folder, 'mon.keyring')],
    at,
  )
  children.push(daemon('ceph-mon', ['-c', conf, '-i', 'a'], folder))
  await run('ceph', ['-c', conf, '--connect-timeout', '60', 'osd', 'create', osdId], at)
  await run('ceph-osd', ['-c', conf, '-i', '0', '--mkfs', '--osd-uuid', osdId], at)
  children.push(daemon('ceph-osd', ['-c', conf, '-i', '0'], folder))
  await run('ceph', ['-c', conf, 'osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=h'], at)
  children.push(daemon('radosgw', ['-c', conf, '-n', 'client.rgw.a'], folder))
  const endpoint = `http://127.0.0.1:${s3Port}`
  await answers(endpoint, children)
  return endpoint
}

/** Runs in the foreground, and dies with this process even when that is killed, where the system can see to it. */
function daemon(program: string, args: readonly string[], folder: string): ChildProcess {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, '-f', ...args], { cwd: folder, stdio: 'ignore' })
  child.on('error', () => {})
  return child
}

/** Waits for the gateway. A daemon that ends meanwhile is started again a few times: the store gives up where the monitor is not ready for it. */
async function answers(endpoint: string, children: ChildProcess[]): Promise<void> {
  let restarts = 5
  for (let waited = 0; waited < 90_000; waited += 250) {
    for (const [i, child] of children.entries()) {
      if (child.exitCode === null && child.signalCode === null) continue
      if (restarts-- === 0) throw new Error(`${child.spawnargs.at(3)} ended`)
      const [program, , ...args] = child.spawnargs.slice(3)
      children[i] = daemon(program!, args, args[1]!.slice(0, args[1]!.lastIndexOf('/')))
    }
    const answer = await fetch(endpoint).catch(() => null)
    if (answer !== null) return
    await sleep(250)
  }
  throw new Error('the gateway does not answer')
}

async function createUser(folder: string, name: string, accessKey: string, secretKey: string): Promise<void> {
  const user = ['--uid', name, '--display-name', name, '--access-key', accessKey, '--secret-key', secretKey]
  await run('radosgw-admin', [
    '-c',
    join(folder, 'ceph.conf'),
    'user',
    'create',
    ...user,
    '--caps',
    'roles=*;user-policy=*',
  ])
}

async function createRole(folder: string, name: string, user: string, policy: object): Promise<string> {
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: [`arn:aws:iam:::user/${user}`] }, Action: ['sts:AssumeRole'] }],
  }
  const admin = ['-c', join(folder, 'ceph.conf')]
  const named = `--role-name=${name}`
  await run('radosgw-admin', [...admin, 'role', 'create', named, `--assume-role-policy-doc=${JSON.stringify(trust)}`])
  const rights = ['--policy-name=rights', `--policy-doc=${JSON.stringify(policy)}`]
  await run('radosgw-admin', [...admin, 'role-policy', 'put', named, ...rights])
  return `arn:aws:iam:::role/${name}`
}

async function keysOf(folder: string, bucket: string): Promise<string[]> {
  const args = ['-c', join(folder, 'ceph.conf'), 'bucket', 'list', '--bucket', bucket, '--max-entries', '10000']
  // The administration shows names as they are kept: one that begins with `_` has another `_` in front.
  const { stdout } = await run('radosgw-admin', args, { maxBuffer: 64 * 1024 * 1024 })
  return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name.replace(/^_/, ''))
}

function policyOf(bucket: string, principal: unknown, actions: readonly string[]): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: principal,
        Action: actions,
        Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
      },
    ],
  })
}

async function stopAll(children: readonly ChildProcess[]): Promise<void> {
  for (const child of [...children].reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = once(child, 'exit')
    // Nothing in memory is worth an orderly end.
    child.kill('SIGKILL')
    await ended
  }
}

async function lastWords(folder: string): Promise<string> {
  const texts = await Promise.all(
    ['ceph-mon.a', 'ceph-osd.0', 'ceph-client.rgw.a'].map((name) =>
      readFile(join(folder, 'out', `${name}.log`), 'utf8').catch(() => ''),
    ),
  )
  return texts.map((text) => text.trim().split('\n').slice(-2).join(' | ')).join('\n')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

interface CephPlace {
  readonly folder: string
  readonly fsid: string
  readonly monPort: number
  readonly s3Port: number
  readonly hasSts: boolean
}

function configuration({ folder, fsid, monPort, s3Port, hasSts }: CephPlace): string {
  return `[global]
fsid = ${fsid}
mon host = v1:127.0.0.1:${monPort}
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
osd max object name len = 2048
osd max object namespace len = 64
osd objectstore = memstore
memstore device bytes = 4294967296
ms bind ipv6 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
run dir = ${folder}/run
admin socket = ${folder}/run/$cluster-$name.asok
log file = ${folder}/out/$cluster-$name.log
pid file = ${folder}/out/$name.pid
mon data = ${folder}/mon
osd data = ${folder}/osd
[mon.a]
host = ${hostname()}
mon addr = v1:127.0.0.1:${monPort}
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:${s3Port}
rgw s3 auth use rados = true
rgw s3 auth use sts = ${hasSts}
rgw sts key = abcdefghijklmnop
rgw enable apis = s3,s3website,swift,admin,notifications,sts,iam,pubsub
rgw dns name = localhost
rgw data = ${folder}/rgw
keyring = ${folder}/rgw.keyring
rgw thread pool size = 64
`
}
