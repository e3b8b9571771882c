// Lists a bucket the way a sync does: the S3 driver under the walk that shares the key space out among connections.
import { Secret } from '#lib/secret.ts'
import { createS3Storage } from '#storage/s3/s3.ts'
import { type WalkRange, walk } from '#storage/walk/walk.ts'
import { credentials, region } from '../credentials.ts'
import { SetSummer } from '../replay/entry.ts'
import { report, runArgs } from '../run-node.ts'

const args = runArgs<{ url: string; bucket: string; connections: number; verify: boolean }>()
const storage = createS3Storage({
  bucket: args.bucket,
  region,
  endpoint: args.url,
  accessKeyId: credentials.accessKeyId,
  secretAccessKey: new Secret(credentials.secretAccessKey),
  connectionsMax: args.connections,
})
const start: WalkRange = { no: 1, from: Buffer.alloc(0), to: null, cursor: Buffer.alloc(0), isDone: false, keys: 0 }

await report(async () => {
  const summer = args.verify ? new SetSummer() : undefined
  let units = 0
  let bytes = 0
  const cost = { requests: 0 }
  await walk({
    cost,
    storage,
    prefix: '',
    ranges: [start],
    connectionsMax: args.connections,
    mayListBelow: true,
    signal: new AbortController().signal,
    onRange: () => {},
    onPage: (range, page) => {
      const { entries: e } = page
      while (e.next()) {
        // What lies beyond the range's end belongs to whoever took that part.
        if (range.to !== null && e.keyBytes.compare(range.to, 0, range.to.length, e.keyStart, e.keyEnd) > 0) break
        units += 1
        bytes += e.sizeBytes
        summer?.add(
          e.keyBytes.toString('utf8', e.keyStart, e.keyEnd),
          e.sizeBytes,
          e.etagBytes.toString('latin1', e.etagStart, e.etagEnd),
        )
      }
    },
  })
  const checksum = summer?.sum().checksum
  return { units, bytes, requests: cost.requests, ...(checksum === undefined ? {} : { checksum }) }
})
