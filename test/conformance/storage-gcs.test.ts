// Proves that the Google Cloud Storage driver does what every storage driver must, with every way to log in, against the fake that verifies tokens and signatures.
import { afterAll, beforeAll } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { createGcsStorage, type GcsOptions } from '#storage/gcs/gcs.ts'
import type { ServiceAccount } from '#storage/gcs/service-account.ts'
import { parseServiceAccount } from '#storage/gcs/service-account.ts'
import { type FakeGcs, startFakeGcs } from '../fakes/gcs.ts'
import type { FakeAccount } from '../fakes/gcs-identity.ts'
import { storageConformance } from './storage.suite.ts'

/** One way to log in stands for all of them in the table. */
const INTO_TABLE = 'GCS, key, at an endpoint of its own'

let fake: FakeGcs
let account: FakeAccount
let buckets = 0

beforeAll(async () => {
  fake = await startFakeGcs()
  account = fake.addAccount()
})
afterAll(async () => fake?.stop())

const parsed = (keyFile: string) => parseServiceAccount(keyFile) as ServiceAccount

function conform(name: string, optionsOf: () => Omit<GcsOptions, 'bucket'>, modelRuns: number): void {
  storageConformance(
    name,
    async () => {
      const bucket = fake.addBucket(`bucket-${++buckets}`)
      const storage = createGcsStorage({ bucket: bucket.name, ...optionsOf() })
      return {
        storage,
        backdoor: {
          canName: (key) => !/[\r\n]/.test(key),
          keys: async () => bucket.keys(),
        },
        close: () => storage.close(),
      }
    },
    { modelRuns, hasShortPages: true, tableName: name === INTO_TABLE ? 'GCS, our fake' : null },
  )
}

conform(INTO_TABLE, () => ({ endpoint: fake.endpoint, login: { kind: 'key', account: parsed(account.keyFile) } }), 40)

conform(
  'GCS, key and HMAC key, tokens',
  () => {
    const { id, secret } = account.hmac
    const hmac = { id, secret: new Secret(secret) }
    return { standIn: fake.endpoint, login: { kind: 'key', account: parsed(account.keyFile), hmac } }
  },
  5,
)

conform(
  'GCS, acting as another project’s account',
  () => {
    const customer = fake.addAccount()
    customer.creators.add(account.email)
    return {
      standIn: fake.endpoint,
      login: { kind: 'impersonation', principal: parsed(account.keyFile), email: customer.email },
    }
  },
  5,
)

const audience = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider'
const federation = {
  kind: 'federation',
  audience,
  subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
  subjectToken: async () => new Secret('token-of-this-server'),
} as const

conform(
  'GCS, federation',
  () => {
    const customer = fake.addAccount()
    fake.identities.federated.set('token-of-this-server', { audience, subject: 'server' })
    customer.creators.add('principal:server')
    return { standIn: fake.endpoint, login: { ...federation, email: customer.email } }
  },
  5,
)

conform(
  'GCS, federation without an account',
  () => ({ standIn: fake.endpoint, login: { ...federation, email: undefined } }),
  5,
)
