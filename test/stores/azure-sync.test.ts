// Proves the whole way against Microsoft's own emulator (Azurite): check, sync, list, stream; every odd name is an item that streams its own bytes, what is
// no file is none, and a container of 100,250 blobs becomes exactly its items.
import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { azureUnaddressable } from '#storage/azure/names.ts'
import { keyZoo } from '../conformance/key-zoo.ts'
import { type Azurite, missingForAzurite, startAzurite } from '../emulators/azurite.ts'
import { expectSyncOfMany, manyKeys, putMany } from '../support/many-objects.ts'
import { connectStorage, inByteOrder, type SyncedApi } from '../support/sync.ts'

const missing = await missingForAzurite()
if (missing !== null) console.warn(`LEFT OUT: syncs from Azurite; ${missing}.`)

describe.skipIf(missing !== null)('an Azure container', () => {
  let azurite: Azurite
  const open: SyncedApi[] = []

  beforeAll(async () => {
    azurite = await startAzurite()
  })
  afterAll(async () => {
    for (const synced of open) await synced.close()
    await azurite?.stop()
  })

  async function connect(container: string, path: string, type = 'azureblob'): Promise<SyncedApi> {
    const { account, accountKey, endpoint } = azurite
    const synced = await connectStorage({
      integration: { type: 'azure-account-key', options: { key: account, secret: accountKey } },
      driver: { type, payload: { containerName: container, endpoint, path } },
    })
    open.push(synced)
    return synced
  }

  describe('with odd names and what is no file', () => {
    // Azure counts characters: this one has 2,700 bytes, more than any other storage takes.
    const long = `${'漢'.repeat(300)}/${'字'.repeat(300)}/${'語'.repeat(300)}`
    const names = [...keyZoo.filter((key) => azureUnaddressable(`folder/${key}`) === null), long]
    let synced: SyncedApi
    let datasetId: string

    beforeAll(async () => {
      const container = await azurite.createContainer('odd')
      const put = async (key: string, text: string, metadata: Record<string, string> = {}) => {
        const blob = container.getBlockBlobClient(key)
        await blob.upload(text, Buffer.byteLength(text), { metadata })
        return blob
      }
      for (const key of names) await put(`folder/${key}`, `bytes of folder/${key}`)
      // Beside and around the folder.
      for (const key of ['folder-not/x.txt', 'folder', 'other/y.txt']) await put(key, key)
      // What tools leave for folders, and our own files.
      await put('folder/made', '', { hdi_isfolder: 'true' })
      await put('folder/made/deeper', '', { Hdi_IsFolder: 'True' })
      await put('folder/slash/', '')
      await put('folder/.dataloop/thumbnails/1.jpg', 'ours')
      // One that says it is a folder and holds bytes is a file.
      await put('folder/with-bytes', 'bytes of folder/with-bytes', { hdi_isfolder: 'true' })
      // The other kinds of blob, a snapshot of one, and one that is archived.
      const append = container.getAppendBlobClient('folder/append.log')
      await append.create()
      await append.appendBlock('bytes of folder/append.log', 26)
      await container.getPageBlobClient('folder/disk.vhd').create(512)
      await (await put('folder/shot.txt', 'bytes of folder/shot.txt')).createSnapshot()
      await (await put('folder/cold.bin', 'frozen')).setAccessTier('Archive')
      synced = await connect('odd', 'folder')
      datasetId = await synced.addDataset({ sync: true })
      await synced.work()
    })

    test('the driver has passed every probe', async () => {
      const driver = await synced.api.call(synced.api.owner, 'GET', `/api/v1/drivers/${synced.driverId}`)
      expect(driver.body.state).toBe('ready')
      expect(driver.body.probes.map((probe: { name: string; ok: boolean }) => [probe.name, probe.ok])).toEqual(
        ['list', 'write', 'read', 'range', 'sign', 'delete'].map((name) => [name, true]),
      )
    })

    const others = ['with-bytes', 'append.log', 'disk.vhd', 'shot.txt', 'cold.bin']

    test('every blob of the folder is an item, once, and nothing else is', async () => {
      expect(await synced.items(datasetId)).toEqual(inByteOrder([...names, ...others]))
      const syncs = await synced.api.call(synced.api.owner, 'GET', `/api/v1/datasets/${datasetId}/syncs`)
      expect(syncs.body.items[0]).toMatchObject({
        state: 'success',
        counts: { added: names.length + others.length, skipped: 0, markers: 3, hidden: 1 },
      })
    })

    test('every item streams its own bytes from the container, and an archived one is refused by Azure itself', async () => {
      const query = { filter: {}, page: 0, pageSize: 1000, resource: 'items' }
      const { body } = await synced.api.call(synced.api.owner, 'POST', `/api/v1/datasets/${datasetId}/query`, {
        json: query,
      })
      const found = body.items.filter((item: { type: string }) => item.type === 'file')
      expect(found).toHaveLength(names.length + others.length)
      for (const item of found) {
        const key = `folder${item.filename}`
        const answer = await synced.api.call(synced.api.owner, 'GET', `/api/v1/items/${item.id}/stream`)
        expect([key, answer.status]).toEqual([key, 307])
        const address = String(answer.headers.location)
        if (key === 'folder/cold.bin') {
          expect((await fetch(address)).headers.get('x-ms-error-code')).toBe('BlobArchived')
          continue
        }
        expect(address.startsWith(azurite.endpoint)).toBe(true)
        expect(new URL(address).searchParams.get('sr')).toBe('b')
        const text = await (await fetch(address)).text()
        expect([key, text]).toEqual([key, key === 'folder/disk.vhd' ? '\0'.repeat(512) : `bytes of ${key}`])
      }
    })

    test('a second sync finds nothing new, a third what changed and what is gone', async () => {
      const all = names.length + others.length
      expect((await synced.sync(datasetId)).body).toMatchObject({
        status: 'success',
        spec: { counts: { added: 0, changed: 0, unchanged: all } },
      })
      const container = azurite.container('odd')
      await container.getBlockBlobClient('folder/plain.txt').upload('other', 5)
      await container.getBlockBlobClient('folder/new/file').upload('new', 3)
      await container.deleteBlob('folder/append.log')
      await container.deleteBlob('folder/emoji-😀.png')
      const { body } = await synced.sync(datasetId)
      expect(body).toMatchObject({
        status: 'success',
        spec: { counts: { added: 1, changed: 1, unchanged: all - 3, missing: 2 } },
      })
    })
  })

  test('of 100,250 blobs becomes exactly its items', { timeout: 900_000 }, async () => {
    const container = 'many'
    await azurite.createContainer(container)
    const keys = manyKeys((key) => azureUnaddressable(`in/${key}`) === null)
    const { account, accountKey, endpoint } = azurite
    // Through an address signed for the container and not through the SDK, as fast as Azurite takes them.
    const sas = generateBlobSASQueryParameters(
      {
        containerName: container,
        permissions: ContainerSASPermissions.parse('w'),
        expiresOn: new Date(Date.now() + 3600_000),
      },
      new StorageSharedKeyCredential(account, accountKey),
    )
    const headers = { 'x-ms-blob-type': 'BlockBlob', 'x-ms-version': '2022-11-02' }
    await putMany(keys, (key) => {
      const path = `/${account}/${container}/in/${key.split('/').map(encodeURIComponent).join('/')}`
      return { url: `${new URL(endpoint).origin}${path}?${sas}`, headers }
    })
    await expectSyncOfMany('Azurite', await connect(container, 'in', 'azureDatalakeGen2'), keys)
  })
})
