import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash, createPrivateKey, sign as signBytes } from 'node:crypto'
import { once } from 'node:events'
import { access, constants, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What to install, said when something is missing. */
export const registryPackages = 'docker-registry openssl'

/** User and password of every registry that is started here; the password's hash stands in the htpasswd file. */
export const registryUser = { username: 'sluice', password: 'registry-secret' }
// From `htpasswd -nbB -C 5`; there is no bcrypt in Node.
const HTPASSWD = 'sluice:$2y$05$sluicesluicesluicesluuTbmO2wBg0ZNPjnDxa.zLA0Ek9/wF0gu'

/** How a registry asks for credentials. */
export type RegistryAuth = 'none' | 'htpasswd' | 'token'

/** A blob or manifest as it was pushed. */
export interface Pushed {
  readonly digest: string
  readonly size: number
  readonly mediaType: string
  readonly bytes: Buffer
}

/** A running registry. */
export interface Registry {
  /** `http://127.0.0.1:port` */
  readonly origin: string
  /** `127.0.0.1:port` of the token service; null without one. */
  readonly realmHost: string | null
  /** What the token service was asked for, oldest first: `scope` of each request. */
  readonly tokenRequests: { readonly scope: string | null; readonly hadPassword: boolean }[]
  /** Repositories that the token service lets nobody pull from. */
  readonly denied: Set<string>
  pushBlob(repository: string, bytes: Buffer, mediaType?: string): Promise<Pushed>
  pushManifest(repository: string, reference: string, manifest: object | Buffer, mediaType: string): Promise<Pushed>
  /** Takes a tag away, as the API of this release cannot: in its folder. */
  untag(repository: string, tag: string): Promise<void>
  stop(): Promise<void>
}

/** The programs that are missing; empty when a registry can be started. */
export async function missingForRegistry(): Promise<string[]> {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/bin', '/usr/sbin']
  const missing: string[] = []
  for (const program of ['docker-registry', 'openssl']) {
    const tries = folders.map((folder) => access(join(folder, program), constants.X_OK))
    if (
      !(await Promise.any(tries).then(
        () => true,
        () => false,
      ))
    )
      missing.push(program)
  }
  return missing
}

/** Starts Debian's docker-registry (CNCF distribution 2.8) on a free loopback port, with everything in a folder of its own that `stop()` removes. */
export async function startRegistry({
  auth = 'htpasswd',
  tokenSeconds = 300,
}: {
  auth?: RegistryAuth
  tokenSeconds?: number
} = {}): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-registry-'))
  const denied = new Set<string>()
  const tokenRequests: { scope: string | null; hadPassword: boolean }[] = []
  let child: ChildProcess | undefined
  let tokens: Server | undefined
  const stop = async () => {
    tokens?.close()
    tokens?.closeAllConnections()
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const port = await freePort()
    const origin = `http://127.0.0.1:${port}`
    let authConfig = ''
    let realmHost: string | null = null
    if (auth === 'htpasswd') {
      await writeFile(join(folder, 'htpasswd'), `${HTPASSWD}\n`)
      authConfig = `auth:\n  htpasswd: {realm: sluice, path: ${folder}/htpasswd}\n`
    }
    if (auth === 'token') {
      const keys = await certify(folder)
      tokens = createServer((request, response) => {
        const asked = new URL(request.url ?? '/', 'http://tokens')
        const hadPassword = request.headers.authorization !== undefined
        tokenRequests.push({ scope: asked.searchParams.get('scope'), hadPassword })
        giveToken(request, response, asked, { keys, denied, tokenSeconds })
      })
      tokens.listen(0, '127.0.0.1')
      await once(tokens, 'listening')
      realmHost = `127.0.0.1:${(tokens.address() as { port: number }).port}`
      authConfig = `auth:\n  token: {realm: "http://${realmHost}/token", service: sluice-test, issuer: sluice-tokens, rootcertbundle: ${folder}/cert}\n`
    }
    await writeFile(
      join(folder, 'config.yml'),
      `version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: ${folder}/data}\n  delete: {enabled: true}\nhttp: {addr: 127.0.0.1:${port}}\n${authConfig}`,
    )
    child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
    await answers(origin, child)
    return { origin, realmHost, tokenRequests, denied, ...pushing(origin, auth, realmHost, folder), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Pushing as any client does it, by code that shares nothing with the driver. */
function pushing(
  origin: string,
  auth: RegistryAuth,
  realmHost: string | null,
  folder: string,
): Pick<Registry, 'pushBlob' | 'pushManifest' | 'untag'> {
  const basic = `Basic ${Buffer.from(`${registryUser.username}:${registryUser.password}`).toString('base64')}`
  const headers = async (repository: string): Promise<Record<string, string>> => {
    if (auth === 'none') return {}
    if (auth === 'htpasswd') return { authorization: basic }
    const scope = encodeURIComponent(`repository:${repository}:pull,push`)
    const answer = await fetch(`http://${realmHost}/token?service=sluice-test&scope=${scope}`, {
      headers: { authorization: basic, 'x-own': 'pusher' },
    })
    return { authorization: `Bearer ${((await answer.json()) as { token: string }).token}` }
  }
  const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  return {
    async pushBlob(repository, bytes, mediaType = 'application/octet-stream') {
      const digest = digestOf(bytes)
      const given = await headers(repository)
      const begun = await fetch(`${origin}/v2/${repository}/blobs/uploads/`, { method: 'POST', headers: given })
      if (begun.status !== 202) throw new Error(`the upload was not begun: ${begun.status} ${await begun.text()}`)
      const target = new URL(begun.headers.get('location')!, origin)
      target.searchParams.set('digest', digest)
      const put = await fetch(target, {
        method: 'PUT',
        headers: { ...given, 'content-type': 'application/octet-stream' },
        body: new Uint8Array(bytes),
      })
      if (put.status !== 201) throw new Error(`the blob was not taken: ${put.status} ${await put.text()}`)
      return { digest, size: bytes.length, mediaType, bytes }
    },
    async pushManifest(repository, reference, manifest, mediaType) {
      const bytes = Buffer.isBuffer(manifest) ? manifest : Buffer.from(JSON.stringify(manifest, null, 2))
      const put = await fetch(`${origin}/v2/${repository}/manifests/${reference}`, {
        method: 'PUT',
        headers: { ...(await headers(repository)), 'content-type': mediaType },
        body: new Uint8Array(bytes),
      })
      if (put.status !== 201) throw new Error(`the manifest was not taken: ${put.status} ${await put.text()}`)
      return { digest: digestOf(bytes), size: bytes.length, mediaType, bytes }
    },
    async untag(repository, tag) {
      await rm(join(folder, 'data/docker/registry/v2/repositories', repository, '_manifests/tags', tag), {
        recursive: true,
      })
    },
  }
}

interface Keys {
  readonly key: string
  readonly certificate: string
}

async function certify(folder: string): Promise<Keys> {
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const wants = ['-subj', '/CN=sluice-tokens', '-days', '2', '-keyout', key, '-out', cert]
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...wants])
  const pem = await readFile(cert, 'utf8')
  return { key: await readFile(key, 'utf8'), certificate: pem.replace(/-----[A-Z ]+-----|\s/g, '') }
}

/** A token service: https://distribution.github.io/distribution/spec/auth/jwt/ */
function giveToken(
  request: IncomingMessage,
  response: ServerResponse,
  asked: URL,
  { keys, denied, tokenSeconds }: { keys: Keys; denied: ReadonlySet<string>; tokenSeconds: number },
): void {
  const password = Buffer.from(/^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '', 'base64').toString()
  if (password !== `${registryUser.username}:${registryUser.password}`) {
    response.writeHead(401, { 'content-type': 'application/json' }).end('{"errors":[{"code":"UNAUTHORIZED"}]}')
    return
  }
  const grants = asked.searchParams.getAll('scope').flatMap((scope) => scope.split(' ').filter(Boolean))
  const claims = grants.flatMap((scope) => {
    const [type, name, actions] = scope.split(':') as [string, string, string]
    return denied.has(name) ? [] : [{ type, name, actions: actions.split(',') }]
  })
  const now = Math.floor(Date.now() / 1000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ typ: 'JWT', alg: 'RS256', x5c: [keys.certificate] })}.${part({
    iss: 'sluice-tokens',
    sub: registryUser.username,
    aud: 'sluice-test',
    exp: now + tokenSeconds,
    nbf: now - 10,
    iat: now,
    jti: String(Math.random()),
    access: claims,
  })}`
  const signature = signBytes('sha256', Buffer.from(text), createPrivateKey(keys.key)).toString('base64url')
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ token: `${text}.${signature}`, expires_in: tokenSeconds }))
}

async function answers(origin: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + 20_000
  while (Date.now() < until && child.exitCode === null) {
    const status = await fetch(`${origin}/v2/`).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 200 || status === 401) return
    await sleep(50)
  }
  throw new Error('The registry did not start.')
}

async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
