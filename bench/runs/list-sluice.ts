// Lists a bucket the way a sync does, and does nothing else.
import { SetSummer } from '../replay/entry.ts'
import { report, runArgs } from '../run-node.ts'
import { type WalkTarget, walkBucket } from './bucket-walk.ts'

const args = runArgs<WalkTarget & { verify: boolean }>()

await report(async () => {
  const summer = args.verify ? new SetSummer() : undefined
  let units = 0
  let bytes = 0
  const requests = await walkBucket(args, (e) => {
    units += 1
    bytes += e.sizeBytes
    summer?.add(
      e.keyBytes.toString('utf8', e.keyStart, e.keyEnd),
      e.sizeBytes,
      e.etagBytes.toString('latin1', e.etagStart, e.etagEnd),
    )
  })
  const checksum = summer?.sum().checksum
  return { units, bytes, requests, ...(checksum === undefined ? {} : { checksum }) }
})
