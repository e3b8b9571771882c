// Proves that the Azure driver does what every storage driver must against Microsoft's own emulator (Azurite), and tells apart all that can be wrong.
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { type AzureOptions, createAzureStorage } from '#storage/azure/azure.ts'
import { azureUnaddressable } from '#storage/azure/names.ts'
import type { StorageError } from '#storage/storage-error.ts'
import { storageConformance } from '../conformance/storage.suite.ts'
import { type Azurite, missingForAzurite, startAzurite } from '../emulators/azurite.ts'

const missing = await missingForAzurite()
if (missing !== null) console.warn(`LEFT OUT: the Azure suites; ${missing}.`)

describe.skipIf(missing !== null)('Azurite', () => {
  let azurite: Azurite
  let containers = 0

  beforeAll(async () => {
    azurite = await startAzurite()
  })
  afterAll(async () => azurite?.stop())

  async function newContainer(): Promise<AzureOptions> {
    const container = `container-${++containers}`
    await azurite.createContainer(container)
    const { endpoint, account, accountKey } = azurite
    return { account, container, endpoint, credentials: { kind: 'account-key', accountKey: new Secret(accountKey) } }
  }

  storageConformance(
    'Azure against Azurite',
    async () => {
      const options = await newContainer()
      const storage = createAzureStorage(options)
      return {
        storage,
        backdoor: {
          canName: (key) => azureUnaddressable(key) === null,
          keys: () => azurite.keys(options.container),
        },
        close: () => storage.close(),
      }
    },
    { modelRuns: 12 },
  )

  test('long streams go in blocks: whole or not at all, and never over another blob when that is not wanted', async () => {
    const options = await newContainer()
    const storage = createAzureStorage({ ...options, oneRequestBytesMax: 1024 * 1024, tier: 'Cool' })
    const chunk = randomBytes(1024 * 1024)
    const sizeBytes = 20 * chunk.length
    const stream = () => Readable.from(Array.from({ length: 20 }, () => chunk))
    const written = await storage.write('long', stream(), { sizeBytes, ifAbsent: true, contentType: 'video/mp4' })
    expect(await storage.stat('long')).toMatchObject({ sizeBytes, etag: written.etag, contentType: 'video/mp4' })
    const blob = azurite.container(options.container).getBlockBlobClient('long')
    expect((await blob.getBlockList('committed')).committedBlocks).toHaveLength(3)
    expect((await blob.getProperties()).accessTier).toBe('Cool')
    const content = await buffer((await storage.read('long')).body)
    expect(content.equals(Buffer.concat(Array.from({ length: 20 }, () => chunk)))).toBe(true)
    await expect(storage.write('long', stream(), { sizeBytes, ifAbsent: true })).rejects.toMatchObject({
      kind: 'precondition-failed',
    })
    for (const wrong of [sizeBytes - 1, sizeBytes + 1])
      await expect(storage.write('other', stream(), { sizeBytes: wrong })).rejects.toMatchObject({ kind: 'invalid' })
    const broken = Readable.from(
      (async function* () {
        yield* Array.from({ length: 12 }, () => chunk)
        throw new Error('the source broke')
      })(),
    )
    await expect(storage.write('broken', broken, { sizeBytes })).rejects.toMatchObject({ kind: 'invalid' })
    expect(await azurite.keys(options.container)).toEqual(['long'])
    await storage.close()
  })

  test('a removal of one version only, and one that snapshots or a lease forbid', async () => {
    const options = await newContainer()
    const storage = createAzureStorage(options)
    const { etag } = await storage.write('a', Buffer.from('1'), { sizeBytes: 1 })
    await storage.write('a', Buffer.from('2'), { sizeBytes: 1 })
    const kinds = async (ifMatch?: string) =>
      (await storage.remove(['a'], { ifMatch })).map((one) => (one.ok ? 'ok' : (one.error as StorageError).kind))
    expect(await kinds(etag)).toEqual(['precondition-failed'])
    const blob = azurite.container(options.container).getBlobClient('a')
    await blob.createSnapshot()
    expect(await kinds()).toEqual(['conflict'])
    await blob.deleteIfExists({ deleteSnapshots: 'only' })
    const lease = blob.getBlobLeaseClient()
    await lease.acquireLease(60)
    expect(await kinds()).toEqual(['conflict'])
    await lease.releaseLease()
    expect(await kinds((await storage.stat('a'))!.etag)).toEqual(['ok'])
    await storage.close()
  })
})
