// Proves that the memory driver does what every storage driver must.
import { randomUUID } from 'node:crypto'
import { createMemoryStorage, memoryBucket } from '#storage/memory/memory.ts'
import { readOnly } from '#storage/read-only.ts'
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

storageConformance('memory, read-only by choice', async () => ({
  storage: readOnly(createMemoryStorage({ name: randomUUID() })),
  backdoor: { canName: () => true, keys: async () => [] },
  close: async () => {},
}))
