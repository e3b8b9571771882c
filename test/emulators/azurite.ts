import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob'

/** A running Azurite with one storage account. */
export interface Azurite {
  readonly endpoint: string
  readonly account: string
  readonly accountKey: string
  createContainer(name: string): Promise<ContainerClient>
  /** A container through the official SDK. */
  container(name: string): ContainerClient
  /** The names of a container's blobs, by the official lister: not through our driver. */
  keys(container: string): Promise<string[]>
  stop(): Promise<void>
}

/** What an Azurite is started with. */
export interface AzuriteOptions {
  /** Over https, with a certificate made now that this process then trusts; and with tokens, whose signatures Azurite does not look at. */
  readonly hasTokens?: boolean
}

const run = promisify(execFile)
const folder = join(import.meta.dirname, 'azurite')
const program = join(folder, 'node_modules/azurite/dist/src/blob/main.js')

/**
 * Why Azurite cannot be started here; null when it can. For suites that are left out without it.
 *
 * It has a package file of its own beside this one, because it weighs more than all else the project installs, and is installed by its lockfile when it
 * is first wanted.
 */
export async function missingForAzurite(): Promise<string | null> {
  if (await isThere(program)) return null
  try {
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder })
    return null
  } catch (error) {
    // Where nothing is to be left out it is a failure.
    if (process.env.CI !== undefined) throw error
    return `Azurite could not be installed by npm ci in test/emulators/azurite (${(error as Error).message.split('\n')[0]})`
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/**
 * Starts Azurite, Microsoft's own emulator of Azure Blob Storage, on a free loopback port, with all its data in memory.
 *
 * It has no hierarchical accounts (no Data Lake Gen2), no versions and no roles: whoever has a token may do everything. The version of the service a
 * client names is not looked at, because the official SDK names newer ones than it knows.
 */
export async function startAzurite({ hasTokens = false }: AzuriteOptions = {}): Promise<Azurite> {
  const place = await mkdtemp(join(tmpdir(), 'sluice-azurite-'))
  const account = 'sluicetest'
  const accountKey = randomBytes(64).toString('base64')
  const port = await freePort()
  const words = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--silent']
  words.push('--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry')
  if (hasTokens) {
    const [key, cert] = [join(place, 'key.pem'), join(place, 'cert.pem')]
    await certify(key, cert)
    setDefaultCACertificates([...getCACertificates('default'), await readFile(cert, 'utf8')])
    words.push('--cert', cert, '--key', key, '--oauth', 'basic')
  }
  const child = spawn(process.execPath, [program, ...words], {
    cwd: place,
    stdio: 'ignore',
    env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${accountKey}` },
  })
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
    await rm(place, { recursive: true, force: true, maxRetries: 5 })
  }
  // A run that is killed must not leave it behind.
  process.once('exit', () => child.kill('SIGKILL'))
  const endpoint = `${hasTokens ? 'https' : 'http'}://127.0.0.1:${port}`
  try {
    await answers(endpoint, child)
  } catch (error) {
    await stop()
    throw error
  }
  const credential = new StorageSharedKeyCredential(account, accountKey)
  const containerOf = (name: string) => new ContainerClient(`${endpoint}/${account}/${name}`, credential)
  return {
    endpoint,
    account,
    accountKey,
    container: containerOf,
    async createContainer(name) {
      const container = containerOf(name)
      await container.create()
      return container
    },
    async keys(name) {
      const keys: string[] = []
      for await (const blob of containerOf(name).listBlobsFlat()) keys.push(blob.name)
      return keys
    },
    stop,
  }
}

/** Makes a certificate for this machine's own address. */
export async function certify(key: string, cert: string): Promise<void> {
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  await run('openssl', [...kind, ...names, '-keyout', key, '-out', cert])
}

async function answers(endpoint: string, child: ChildProcess): Promise<void> {
  const client = endpoint.startsWith('https') ? https : http
  for (let waited = 0; waited < 60_000; waited += 100) {
    if (child.exitCode !== null) throw new Error(`Azurite ended with ${child.exitCode}`)
    const isThere = await new Promise<boolean>((resolve) => {
      const request = client.get(endpoint, { rejectUnauthorized: false }, (answer) => {
        answer.resume()
        resolve(true)
      })
      request.on('error', () => resolve(false))
    })
    if (isThere) return
    await sleep(100)
  }
  throw new Error('Azurite does not answer')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
