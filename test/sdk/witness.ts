// What the area scripts ask for the truth: the database and the bucket themselves, past the server under test.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { DbPool } from '#db/connect.ts'

/** A bucket as the suite hands it to scripts. */
export interface SuiteBucket {
  readonly name: string
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretKey: string
}

/** A running witness. */
export interface Witness {
  readonly url: string
  close(): Promise<void>
}

interface Question {
  readonly sql: string
  readonly params: readonly unknown[]
  readonly key: string
  readonly prefix: string
  readonly data: string
  readonly contentType: string
}

/** Answers `POST /rows`, `/keys`, `/read`, `/put` and `/remove` on a loopback port, for frame.py. */
export async function startWitness(db: DbPool, bucket: SuiteBucket): Promise<Witness> {
  const client = new S3Client({
    endpoint: bucket.endpoint,
    region: bucket.region,
    forcePathStyle: true,
    credentials: { accessKeyId: bucket.accessKeyId, secretAccessKey: bucket.secretKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const answers = answersOf(db, client, bucket.name)
  const server = createServer((request, response) => {
    const answer = answers[request.url?.slice(1) as keyof typeof answers]
    const write = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    void json(request)
      .then((question) => answer(question as Question))
      .then(
        (body) => write(200, body),
        (error: unknown) => write(500, String(error)),
      )
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      client.destroy()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

function answersOf(db: DbPool, client: S3Client, Bucket: string) {
  return {
    rows: async ({ sql, params }: Question) => (await db.query(sql, [...params])).rows,
    async keys({ prefix }: Question) {
      const keys: string[] = []
      let token: string | undefined
      do {
        const page = await client.send(
          new ListObjectsV2Command({
            Bucket,
            Prefix: prefix,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        )
        keys.push(...(page.Contents ?? []).map(({ Key }) => Key!))
        token = page.NextContinuationToken
      } while (token !== undefined)
      return keys
    },
    async read({ key: Key }: Question) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
        return { data: Buffer.from(await Body!.transformToByteArray()).toString('base64') }
      } catch (error) {
        if (error instanceof NoSuchKey) return { data: null }
        throw error
      }
    },
    async put({ key: Key, data, contentType: ContentType }: Question) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(data, 'base64'), ContentType }))
      return {}
    },
    async remove({ key: Key }: Question) {
      await client.send(new DeleteObjectCommand({ Bucket, Key }))
      return {}
    },
  }
}
