// Lists an Azure container with the official SDK, one page after the other, every entry looked at.
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { report, runArgs } from '../run-node.ts'

const { url } = runArgs<{ url: string }>()
const credential = new StorageSharedKeyCredential('account', Buffer.alloc(64, 7).toString('base64'))
const container = new ContainerClient(`${url}/account/bench`, credential)

async function list(): Promise<{ units: number; bytes: number }> {
  let units = 0
  let bytes = 0
  for await (const page of container.listBlobsFlat({ includeMetadata: true }).byPage({ maxPageSize: 5_000 })) {
    for (const blob of page.segment.blobItems) {
      units += 1
      bytes += blob.properties.contentLength ?? 0
    }
  }
  return { units, bytes }
}

await list()
await report(list)
