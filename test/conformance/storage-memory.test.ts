// Proves that the memory driver does what every storage driver must.
import { randomUUID } from 'node:crypto'
import { createMemoryStorage, memoryBucket } from '#storage/memory/memory.ts'
import { storageConformance } from './storage.suite.ts'

storageConformance('memory', async () => {
  const name = randomUUID()
  return {
    storage: createMemoryStorage({ name }),
    backdoor: {
      canName: () => true,
      keys: async () => Array.from(memoryBucket(name).from(Buffer.alloc(0)), ({ key }) => key.toString()),
    },
    close: async () => {},
  }
})
