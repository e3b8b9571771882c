// Signs read addresses of as many different keys with the S3 driver.
import { Secret } from '#lib/secret.ts'
import { createS3Storage } from '#storage/s3/s3.ts'
import { credentials, region } from '../credentials.ts'
import { makeLayout } from '../replay/layouts.ts'
import { report, runArgs } from '../run-node.ts'

const { units } = runArgs<{ units: number }>()
const storage = createS3Storage({
  bucket: 'bench-bucket',
  region,
  accessKeyId: credentials.accessKeyId,
  secretAccessKey: new Secret(credentials.secretAccessKey),
})
const layout = makeLayout('realistic', units)

async function sign(count: number): Promise<number> {
  let length = 0
  for (let index = 0; index < count; index++) {
    const signed = storage.signRead(layout.keyAt(index), { ttlSeconds: 3600 })
    length += (signed instanceof Promise ? await signed : signed).url.length
  }
  return length
}

await sign(Math.min(units, 20_000))
await report(async () => ({ units, bytes: await sign(units) }))
