import { Secret } from '#lib/secret.ts'
import type { EntryCursor } from '#storage/port.ts'
import { createS3Storage } from '#storage/s3/s3.ts'
import { type WalkRange, walk } from '#storage/walk/walk.ts'
import { credentials, region } from '../credentials.ts'

/** The bucket a run lists, and how. */
export interface WalkTarget {
  readonly url: string
  readonly bucket: string
  readonly connections: number
}

/**
 * Lists a bucket the way a sync does: the S3 driver under the walk that shares the key space out among connections. Every entry is
 * handed over once; a promise that `afterPage` gives holds the listing back. Answers the number of requests.
 */
export async function walkBucket(
  target: WalkTarget,
  onEntry: (entry: EntryCursor) => void,
  afterPage: () => void | Promise<void> = () => {},
): Promise<number> {
  const storage = createS3Storage({
    bucket: target.bucket,
    region,
    endpoint: target.url,
    accessKeyId: credentials.accessKeyId,
    secretAccessKey: new Secret(credentials.secretAccessKey),
    connectionsMax: target.connections,
  })
  const start: WalkRange = { no: 1, from: Buffer.alloc(0), to: null, cursor: Buffer.alloc(0), isDone: false, keys: 0 }
  const cost = { requests: 0 }
  await walk({
    cost,
    storage,
    prefix: '',
    ranges: [start],
    connectionsMax: target.connections,
    mayListBelow: true,
    signal: new AbortController().signal,
    onRange: () => {},
    onPage: (range, page) => {
      const { entries: e } = page
      while (e.next()) {
        // What lies beyond the range's end belongs to whoever took that part.
        if (range.to !== null && e.keyBytes.compare(range.to, 0, range.to.length, e.keyStart, e.keyEnd) > 0) break
        range.keys += 1
        onEntry(e)
      }
      return afterPage()
    },
  })
  return cost.requests
}
