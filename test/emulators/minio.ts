import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { freePort, startChildServer } from './child-server.ts'
import { type GoProgram, goProgramFile, missingGoProgram } from './go-program.ts'

/** A running MinIO with one user who owns everything. */
export interface Minio {
  readonly endpoint: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
  createBucket(name: string): Promise<void>
  /** The keys of a bucket, by the official SDK: not through our driver. */
  keys(bucket: string): Promise<string[]>
  stop(): Promise<void>
}

const program: GoProgram = {
  name: 'minio',
  module: 'github.com/minio/minio',
  version: 'v0.0.0-20260212201848-7aac2a2c5b7c',
}

/** Why MinIO cannot be started here; null when it can. */
export const missingForMinio = () => missingGoProgram(program)

/** Starts MinIO on one folder of its own, on a free loopback port. */
export async function startMinio(): Promise<Minio> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-minio-'))
  const [port, consolePort] = [await freePort(), await freePort()]
  const endpoint = `http://127.0.0.1:${port}`
  const [accessKey, secretKey] = ['sluicekey', 'sluicesecret']
  await mkdir(join(folder, 'data'))
  const server = await startChildServer({
    file: await goProgramFile(program),
    args: [
      'server',
      '--quiet',
      '--address',
      `127.0.0.1:${port}`,
      '--console-address',
      `127.0.0.1:${consolePort}`,
      '--config-dir',
      join(folder, 'config'),
      join(folder, 'data'),
    ],
    env: {
      MINIO_ROOT_USER: accessKey,
      MINIO_ROOT_PASSWORD: secretKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
      MINIO_CI_CD: '1',
      HOME: folder,
    },
    url: `${endpoint}/minio/health/ready`,
    cwd: folder,
  })
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  })
  return {
    endpoint,
    region: 'us-east-1',
    accessKey,
    secretKey,
    createBucket: async (name) => void (await client.send(new CreateBucketCommand({ Bucket: name }))),
    keys: (bucket) => keysOf(client, bucket),
    async stop() {
      client.destroy()
      await server.stop()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function keysOf(client: S3Client, bucket: string): Promise<string[]> {
  const keys: string[] = []
  let token: string | undefined
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, EncodingType: 'url', ContinuationToken: token }),
    )
    for (const { Key } of page.Contents ?? []) keys.push(decodeURIComponent(Key!.replaceAll('+', ' ')))
    token = page.NextContinuationToken
  } while (token !== undefined)
  return keys
}
