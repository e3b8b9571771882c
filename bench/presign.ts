import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { Secret } from '#lib/secret.ts'
import { createS3Storage } from '#storage/s3/s3.ts'
import { credentials, plainSigning, region } from './credentials.ts'
import { interleave } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { makeLayout } from './replay/layouts.ts'
import { type Result, resultOf } from './report.ts'
import { runNode } from './run-node.ts'

/** How many addresses are compared with the official presigner's before a time counts. */
const comparedMax = 200

/**
 * Signing read addresses, every key another, on one core: the S3 driver against the AWS SDK's presigner, which signs a twentieth as many.
 */
export async function benchPresign(options: BenchOptions): Promise<Result> {
  const n = options.objects ?? 200_000
  await compareAddresses()
  const measured = await interleave(
    options.rounds ?? 5,
    { name: 'Sluice signRead', run: () => runNode('presign-sluice.ts', { units: n }) },
    [
      {
        name: '@aws-sdk/s3-request-presigner',
        run: () => runNode('presign-aws-sdk.ts', { units: Math.max(1, Math.round(n / 20)) }),
      },
    ],
  )
  return resultOf('presign', n, measured, [])
}

/** Throws unless both make the same addresses: same place, same parameters, same signature. */
async function compareAddresses(): Promise<void> {
  const client = new S3Client({ region, credentials, ...plainSigning })
  const storage = createS3Storage({
    bucket: 'bench-bucket',
    region,
    accessKeyId: credentials.accessKeyId,
    secretAccessKey: new Secret(credentials.secretAccessKey),
  })
  // Keys of every kind of character, besides the plain ones that are timed.
  const layouts = [makeLayout('realistic', comparedMax), makeLayout('utf8', 19 ** 7)]
  for (let number = 0; number < comparedMax; number++) {
    const layout = layouts[number % 2]!
    const key = layout.keyAt((number * 4_000_037) % layout.count)
    const ours = new URL((await storage.signRead(key, { ttlSeconds: 3600 })).url)
    const theirs = new URL(await officialAddress(client, key, dateOf(ours)))
    ours.searchParams.sort()
    theirs.searchParams.sort()
    if (ours.href !== theirs.href)
      throw new Error(`the addresses of ${JSON.stringify(key)} differ:\n${ours.href}\n${theirs.href}`)
  }
  await storage.close()
}

function officialAddress(client: S3Client, key: string, signingDate: Date): Promise<string> {
  return getSignedUrl(client, new GetObjectCommand({ Bucket: 'bench-bucket', Key: key }), {
    expiresIn: 3600,
    signingDate,
  })
}

/** When an address was signed, so that the other one is signed in the same second. */
function dateOf(address: URL): Date {
  const digits = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(address.searchParams.get('X-Amz-Date') ?? '')!
  return new Date(`${digits[1]}-${digits[2]}-${digits[3]}T${digits[4]}:${digits[5]}:${digits[6]}Z`)
}
