// Lets the AWS SDK read listing pages from memory: everything it does for ListObjectsV2 but the network.
import { Readable } from 'node:stream'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { credentials, region } from '../credentials.ts'
import { renderedPages } from '../replay/rendered.ts'
import { report, runArgs } from '../run-node.ts'

const { pages, units } = runArgs<{ pages: number; units: number }>()
const rendered = renderedPages(pages)
let next = 0

// Never answered from outside: the handler gives the next page at once, as a stream in the pieces a socket would give.
const requestHandler = {
  handle: async () => {
    const page = rendered[next++ % rendered.length]!.body
    const pieces: Buffer[] = []
    for (let at = 0; at < page.length; at += 65_536) pieces.push(page.subarray(at, at + 65_536))
    const headers = { 'content-type': 'application/xml', 'content-length': String(page.length) }
    return { response: { statusCode: 200, headers, body: Readable.from(pieces) } }
  },
}
const client = new S3Client({
  endpoint: 'http://replay',
  region,
  credentials,
  forcePathStyle: true,
  requestHandler: requestHandler as never,
})

async function read(wanted: number): Promise<{ units: number; bytes: number }> {
  let count = 0
  let bytes = 0
  next = 0
  while (count < wanted) {
    const page = await client.send(new ListObjectsV2Command({ Bucket: 'bench' }))
    for (const entry of page.Contents ?? []) {
      count += 1
      bytes += entry.Size ?? 0
    }
  }
  return { units: count, bytes }
}

await read(100_000)
await report(() => read(units))
