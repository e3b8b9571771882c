// Signs read addresses of as many different keys with the AWS SDK's presigner.
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { credentials, plainSigning, region } from '../credentials.ts'
import { makeLayout } from '../replay/layouts.ts'
import { report, runArgs } from '../run-node.ts'

const { units } = runArgs<{ units: number }>()
const client = new S3Client({ region, credentials, ...plainSigning })
const layout = makeLayout('realistic', units)

async function sign(count: number): Promise<number> {
  let length = 0
  for (let index = 0; index < count; index++) {
    const command = new GetObjectCommand({ Bucket: 'bench-bucket', Key: layout.keyAt(index) })
    length += (await getSignedUrl(client, command, { expiresIn: 3600 })).length
  }
  return length
}

await sign(Math.min(units, 2_000))
await report(async () => ({ units, bytes: await sign(units) }))
