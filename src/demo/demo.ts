import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from '#config/config.ts'
import { Secret } from '#lib/secret.ts'
import { type Bucket, startBucket } from './bucket.ts'
import { compare, isComplete, type Outcome } from './compare.ts'
import { type BucketKeys, type DemoOwner, names, prepare } from './prepare.ts'
import { makeSamples } from './samples.ts'
import { sdkSnippet } from './snippet.ts'

/** A server as the demo needs it; `app.ts` starts it, which an edge may not import. */
export interface DemoServer {
  readonly url: string
  readonly publicUrl: string
  stop(): Promise<void>
}

/** What the demo is given by the command line. */
export interface DemoOptions {
  readonly config: Config
  readonly log: Logger
  /** Starts the server with these settings. */
  start(config: Config, log: Logger): Promise<DemoServer>
}

/** What a demo keeps between its starts: who logs in, and the keys and port of the bucket. */
interface DemoState {
  readonly owner: DemoOwner
  readonly keys: BucketKeys
  readonly bucketPort: number
}

const BUCKET_PORT = 7071
const SAMPLE_PATH = '/pictures/train/cam-2/frame_0001.png'

/** The demo that keeps running: prints address, log-in and a snippet, and leaves the rest to whoever plays with it. */
export async function runDemo(options: DemoOptions): Promise<{ stop(): Promise<void> }> {
  const dataDir = join(options.config.dataDir, 'demo')
  const state = await loadState(dataDir, options.config)
  const bucket = await startBucketNear(state)
  await saveState(dataDir, { ...state, bucketPort: Number(new URL(bucket.endpoint).port) })
  fill(bucket)
  let server: DemoServer
  try {
    server = await options.start(demoConfig(options.config, dataDir, state.owner, bucket), options.log)
  } catch (error) {
    await bucket.close()
    throw error
  }
  const stop = async () => {
    await server.stop()
    await bucket.close()
  }
  try {
    const { syncSeconds } = await prepare(server.url, state.owner, bucket, state.keys)
    process.stdout.write(welcome(server.publicUrl, state.owner, bucket, syncSeconds))
  } catch (error) {
    await stop()
    throw error
  }
  return { stop }
}

/** The demo that checks itself: on free ports in a temporary folder, prints what it found, ends. */
export async function runDemoOnce(
  options: DemoOptions & { readonly isJson: boolean },
): Promise<{ isComplete: boolean }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-demo-'))
  // PostgreSQL's own user has to pass through.
  await chmod(dataDir, 0o711)
  const cleanUp = () => rmSync(dataDir, { recursive: true, force: true })
  process.once('exit', cleanUp)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
  const state = { owner: { email: 'demo@sluice.example', password: randomText() }, keys: newKeys(), bucketPort: 0 }
  const bucket = await startBucket({ port: 0, ...state.keys })
  fill(bucket)
  const config = {
    ...demoConfig(options.config, dataDir, state.owner, bucket),
    port: 0,
    host: '127.0.0.1',
    publicUrl: undefined,
  }
  const server = await options.start(config, options.log)
  let outcome: Outcome
  try {
    const { client, datasetId, syncSeconds } = await prepare(server.url, state.owner, bucket, state.keys)
    outcome = await compare(client, datasetId, bucket, syncSeconds)
  } finally {
    await server.stop()
    await bucket.close()
  }
  process.stdout.write(options.isJson ? `${JSON.stringify(outcome)}\n` : report(outcome))
  return { isComplete: isComplete(outcome) }
}

function demoConfig(config: Config, dataDir: string, owner: DemoOwner, bucket: Bucket): Config {
  const { hostname: address, port } = new URL(bucket.endpoint)
  const ownBucket = { kind: 'net', address, family: 'ipv4', prefix: 32, port: Number(port) } as const
  return {
    ...config,
    dataDir,
    // Never into a database that may be somebody's real one.
    databaseUrl: undefined,
    ownerEmail: owner.email,
    ownerPassword: new Secret(owner.password),
    orgName: config.orgName ?? 'Demo organization',
    runWorker: true,
    // The sample bucket, whatever else the operator lets storages be.
    egress: { ...config.egress, allow: [...config.egress.allow, ownBucket] },
  }
}

async function loadState(dataDir: string, config: Config): Promise<DemoState> {
  await mkdir(dataDir, { recursive: true, mode: 0o711 })
  try {
    return JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')) as DemoState
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const owner = {
    email: config.ownerEmail ?? 'demo@sluice.example',
    password: config.ownerPassword?.reveal() ?? randomText(),
  }
  return { owner, keys: newKeys(), bucketPort: BUCKET_PORT }
}

async function saveState(dataDir: string, state: DemoState): Promise<void> {
  await writeFile(join(dataDir, 'demo.json'), `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
}

/** On the port of the last start, so that signed addresses stay; on a free one when somebody else has it. */
async function startBucketNear(state: DemoState): Promise<Bucket> {
  try {
    return await startBucket({ port: state.bucketPort, ...state.keys })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return await startBucket({ port: 0, ...state.keys })
  }
}

function fill(bucket: Bucket): void {
  for (const sample of makeSamples()) bucket.put(sample.key, sample.bytes, sample.contentType, sample.modifiedMs)
}

function newKeys(): BucketKeys {
  return {
    accessKeyId: `DEMO${randomBytes(8).toString('hex').toUpperCase()}`,
    secretKey: randomBytes(20).toString('hex'),
  }
}

function randomText(): string {
  return randomBytes(9).toString('base64url')
}

function welcome(url: string, owner: DemoOwner, bucket: Bucket, syncSeconds: number): string {
  const snippet = sdkSnippet({ url, email: owner.email, password: owner.password, filepath: SAMPLE_PATH })
  return `
The sample bucket ${bucket.bucket} at ${bucket.endpoint} (${bucket.keys().length} objects) is the dataset
“${names.dataset}” of the project “${names.project}”; the sync took ${syncSeconds.toFixed(2)} s.

  Address   ${url}   (API reference: ${url}/api/v1/docs)
  Log-in    ${owner.email}   password ${owner.password}

With the Python SDK:

${snippet}

Ctrl-C ends the demo; the next start goes on with the same data.
`
}

function report(outcome: Outcome): string {
  const { objects, items, markers, hidden, skipped, seconds, streamed, problems } = outcome
  return [
    `${objects} objects: ${items} items, ${markers} folder markers, ${hidden} hidden, ${skipped} skipped; synced in ${seconds.toFixed(2)} s`,
    `${streamed.equal} of ${streamed.compared} streamed files have the bytes of their object`,
    ...problems.map((problem) => `PROBLEM: ${problem}`),
    problems.length === 0 ? 'complete\n' : 'NOT complete\n',
  ].join('\n')
}
