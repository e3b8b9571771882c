// Proves that the vendor's unmodified Python SDK, pointed at the real server with a real S3 (Ceph) behind it, gives what the bucket holds.
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBucket } from '../../src/demo/bucket.ts'
import { prepare } from '../../src/demo/prepare.ts'
import { makeSamples, type Sample } from '../../src/demo/samples.ts'
import { sdkSnippet } from '../../src/demo/snippet.ts'
import { type Ceph, missingForCeph, startCeph } from '../emulators/ceph.ts'
import { makeDataDir, type ServerProcess, startServerProcess } from '../support/server.ts'
import { runPython } from './python.ts'

const owner = { email: 'sdk@example.com', password: 'correct horse battery' }
const BUCKET = 'sdk-mission'
/** Enough for several pages of 50, few enough to be put one by one. */
const OBJECTS = 160

let data: Awaited<ReturnType<typeof makeDataDir>>
let server: ServerProcess

beforeAll(async () => {
  data = await makeDataDir()
  server = await startServerProcess({
    SLUICE_DATA_DIR: data.path,
    SLUICE_OWNER_EMAIL: owner.email,
    SLUICE_OWNER_PASSWORD: owner.password,
    SLUICE_ORG_NAME: 'SDK',
    SLUICE_LOG_LEVEL: 'info',
  })
})
afterAll(async () => {
  await server?.stop()
  await data?.remove()
})

interface Found {
  readonly filename: string
  readonly size: number
  readonly foundByPath: boolean
  readonly sha256: string
}

interface MissionOutcome {
  readonly wrongPasswordLogsIn: boolean
  readonly loggedIn: boolean
  readonly synced: boolean
  readonly syncedAgain: boolean
  readonly itemsCount: number
  readonly readBack: Record<string, boolean>
  readonly items: readonly Found[]
  readonly hidden: readonly string[]
  readonly missing: readonly unknown[]
  readonly savedSha256: string
  readonly messages: readonly unknown[]
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test('log in, create, sync, list, get by path and download give what the bucket holds', async () => {
  const missing = await missingForCeph()
  if (missing.length > 0) throw new Error(`this suite wants Ceph; missing: ${missing.join(', ')}`)
  const ceph = await startCeph()
  try {
    const put = await fill(ceph)
    const isItem = ({ key, bytes }: Sample) =>
      !key.split('/').slice(0, -1).includes('.dataloop') && !(key.endsWith('/') && bytes.length === 0)
    const expected = put.filter(isItem)
    const removed = expected[1]!
    const outcome = await mission(ceph, expected[0]!, removed)
    expect(outcome).toMatchObject({ wrongPasswordLogsIn: false, loggedIn: true, synced: true, syncedAgain: true })
    expect(outcome.readBack).toEqual({ project: true, integration: true, driver: true, dataset: true })

    const isHidden = ({ key }: Sample) => key.split('/').some((part) => part.startsWith('.'))
    const shown = expected.filter((sample) => !isHidden(sample))
    const facts = ({ key, bytes }: Sample) => ({
      filename: `/${key}`,
      size: bytes.length,
      foundByPath: true,
      sha256: sha256(bytes),
    })
    const byName = (a: { filename: string }, b: { filename: string }) => (a.filename < b.filename ? -1 : 1)
    expect([...outcome.items].sort(byName)).toEqual(shown.map(facts).sort(byName))
    expect([...outcome.hidden].sort()).toEqual(
      expected
        .filter(isHidden)
        .map(({ key }) => `/${key}`)
        .sort(),
    )
    expect(outcome.itemsCount).toBe(shown.length)
    expect(outcome.missing).toEqual([{ filename: `/${removed.key}`, hasTime: true }])
    expect(outcome.savedSha256).toBe(sha256(expected[0]!.bytes))
    const told = { title: 'Sync finished', code: 'sync.finished', aboutTheDataset: true, inTheProject: true }
    expect(outcome.messages).toEqual(Array(2).fill({ ...told, hasText: true, isNew: true }))
  } finally {
    await ceph.stop()
  }
})

function clientOf(ceph: Ceph): S3Client {
  return new S3Client({
    endpoint: ceph.endpoint,
    region: ceph.region,
    forcePathStyle: true,
    credentials: { accessKeyId: ceph.accessKey, secretAccessKey: ceph.secretKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}

async function fill(ceph: Ceph): Promise<Sample[]> {
  await ceph.createBucket(BUCKET)
  const client = clientOf(ceph)
  const pictures = makeSamples().filter(({ key }) => key.startsWith('pictures/'))
  const others = makeSamples().filter(({ key }) => !key.startsWith('pictures/'))
  const samples = [...pictures.slice(0, OBJECTS - others.length), ...others]
  for (const { key, bytes, contentType } of samples) {
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: bytes, ContentType: contentType }))
  }
  client.destroy()
  return samples
}

/** Has the SDK do its mission: it saves the one file and, when all else is done, removes the other from the bucket. */
async function mission(ceph: Ceph, saved: Sample, removed: Sample): Promise<MissionOutcome> {
  const stateDir = await newStateDir('mission')
  const [task, outcome] = [join(stateDir, 'task.json'), join(stateDir, 'outcome.json')]
  const bucket = {
    name: BUCKET,
    endpoint: ceph.endpoint,
    region: ceph.region,
    accessKeyId: ceph.accessKey,
    secretKey: ceph.secretKey,
  }
  const client = clientOf(ceph)
  const removal = await getSignedUrl(client, new DeleteObjectCommand({ Bucket: BUCKET, Key: removed.key }), {
    expiresIn: 3600,
  })
  client.destroy()
  await writeFile(task, JSON.stringify({ server: server.url, ...owner, bucket, save: `/${saved.key}`, removal }))
  await runPython([fileURLToPath(new URL('./mission.py', import.meta.url)), task, outcome], stateDir)
  return JSON.parse(await readFile(outcome, 'utf8')) as MissionOutcome
}

async function newStateDir(name: string): Promise<string> {
  const path = join(data.path, `dtlpy-${name}`)
  await mkdir(path)
  return path
}

test('the snippet that the demo prints works when it is pasted', async () => {
  const keys = { accessKeyId: 'DEMOKEY', secretKey: 'demo-secret' }
  const bucket = await startBucket({ port: 0, ...keys })
  try {
    for (const { key, bytes, contentType } of makeSamples()) bucket.put(key, bytes, contentType)
    await prepare(server.url, owner, bucket, keys)
    const stateDir = await newStateDir('snippet')
    const file = join(stateDir, 'snippet.py')
    const key = 'pictures/train/cam-2/frame_0001.png'
    await writeFile(file, sdkSnippet({ url: server.url, ...owner, filepath: `/${key}` }))
    const output = await runPython([file], stateDir)
    const saved = output.trim().split('\n').at(-1)!.split(' ').at(-1)!
    expect(sha256(await readFile(join(stateDir, saved)))).toBe(sha256(bucket.get(key)!))
  } finally {
    await bucket.close()
  }
})
