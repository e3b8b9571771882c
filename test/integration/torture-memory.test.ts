// Proves that every odd key there is goes unharmed through syncs of a bucket in memory, with pages of one to seven keys: what is an item, changes, goes and
// comes back is just that, and nothing is dropped in silence.
import { randomUUID } from 'node:crypto'
import { createMemoryStorage, memoryBucket } from '#storage/memory/memory.ts'
import { startBucket } from '../../src/demo/bucket.ts'
import { tortureResync } from '../conformance/torture.suite.ts'
import { connectApi } from '../support/sync.ts'

const keys = { accessKeyId: 'bucket-key', secretKey: 'bucket-secret-for-tests' }

tortureResync({
  name: 'memory',
  async open(folder, wrap) {
    // The driver is made and checked on a bucket that answers; what it then opens is the memory.
    const checked = await startBucket({ port: 0, ...keys })
    const name = randomUUID()
    const bucket = memoryBucket(name)
    const address = { ...checked, accessKey: keys.accessKeyId, secretKey: keys.secretKey }
    const openStorage = async () => wrap(createMemoryStorage({ name }))
    const synced = await connectApi(address, { folder, override: { openStorage } })
    return {
      synced,
      put: async (key, bytes) => void bucket.put(key, bytes),
      remove: async (key) => void bucket.delete(key),
      async close() {
        await synced.close()
        await checked.close()
      },
    }
  },
  canHold: () => true,
  pageSizes: [1, 2, 3, 4, 5, 6, 7],
  otherSizes: [1000, 7, 61, 4],
  hasMd5: true,
  aloneMax: 24,
})
