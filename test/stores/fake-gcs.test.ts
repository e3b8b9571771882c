// Proves that the Google Cloud Storage driver does what every storage driver must against another project's fake (fake-gcs-server), built from its source where Go is on the machine.
import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe } from 'vitest'
import { createGcsStorage } from '#storage/gcs/gcs.ts'
import { parseServiceAccount, type ServiceAccount } from '#storage/gcs/service-account.ts'
import { storageConformance } from '../conformance/storage.suite.ts'
import { type FakeGcsServer, missingForFakeGcs, startFakeGcsServer } from '../emulators/fake-gcs.ts'

const missing = await missingForFakeGcs()
if (missing !== null) console.warn(`LEFT OUT: the GCS suite against fake-gcs-server; ${missing}.`)

const conditions = 'reads the condition of a read over'
const pages = 'does not count folded folders into its pages'
const signatures = 'looks at no signature'
const faults = {
  'Listing: folded, 1 a page: folders count as entries, and come once': pages,
  'Listing: folded, 2 a page: folders count as entries, and come once': pages,
  'Listing: folded, 3 a page: folders count as entries, and come once': pages,
  'Reading: refuses to read another version than expected': conditions,
  'Reading: refuses a part of another version than expected': conditions,
  'Signed addresses: opens nothing once it has ended': signatures,
  'Signed addresses: for another key: refused': signatures,
  'Signed addresses: for another method: refused, and nothing is written or removed': signatures,
  'Signed addresses: with any value of it bent: refused': signatures,
  'Signed addresses: without any one of its values: refused': signatures,
  'Signed addresses: takes an upload of the signed type only': signatures,
  'Signed addresses: for an upload elsewhere: refused': signatures,
  'Signed addresses: for an upload gives nothing to read': signatures,
}

describe.skipIf(missing !== null)('fake-gcs-server', () => {
  let server: FakeGcsServer

  beforeAll(async () => {
    server = await startFakeGcsServer()
  })
  afterAll(async () => server?.stop())

  storageConformance(
    'GCS against fake-gcs-server',
    async () => {
      await server.createBucket('bucket')
      const storage = createGcsStorage({
        bucket: 'bucket',
        endpoint: server.endpoint,
        login: { kind: 'key', account: anyAccount() },
      })
      return {
        storage,
        backdoor: { canName: (key) => !/[\r\n]/.test(key), keys: () => server.keys('bucket') },
        close: () => storage.close(),
      }
    },
    { modelRuns: 12, hasShortPages: true, faults },
  )
})

/** An account that nobody asks for: this server takes every token. */
function anyAccount(): ServiceAccount {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  return parseServiceAccount(
    JSON.stringify({
      type: 'service_account',
      project_id: 'project-1',
      private_key_id: '0123456789abcdef0123456789abcdef01234567',
      private_key: privateKey,
      client_email: 'driver@project-1.iam.gserviceaccount.com',
      client_id: '123456789012345678901',
      auth_uri: 'https://accounts.google.com/o/oauth2/auth',
      token_uri: 'https://oauth2.googleapis.com/token',
      auth_provider_x509_cert_url: 'https://www.googleapis.com/oauth2/v1/certs',
      client_x509_cert_url:
        'https://www.googleapis.com/robot/v1/metadata/x509/driver%40project-1.iam.gserviceaccount.com',
    }),
  ) as ServiceAccount
}
