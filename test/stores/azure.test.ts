// Proves that the Azure driver does what every storage driver must against Microsoft's own emulator (Azurite), and tells apart all that can be wrong.
import { afterAll, beforeAll, describe } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { type AzureOptions, createAzureStorage } from '#storage/azure/azure.ts'
import { azureUnaddressable } from '#storage/azure/names.ts'
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
})
