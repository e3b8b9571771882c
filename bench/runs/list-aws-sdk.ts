// Lists a bucket with the AWS SDK's paginator, which asks for one page after the other.
import { paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { credentials, region } from '../credentials.ts'
import { report, runArgs } from '../run-node.ts'

const { url, bucket } = runArgs<{ url: string; bucket: string }>()
const client = new S3Client({ endpoint: url, region, credentials, forcePathStyle: true })

await report(async () => {
  let units = 0
  let bytes = 0
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket })) {
    for (const entry of page.Contents ?? []) {
      units += 1
      bytes += entry.Size ?? 0
    }
  }
  return { units, bytes }
})
