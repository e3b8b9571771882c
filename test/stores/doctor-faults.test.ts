// Proves on real storages (Ceph, Azurite) that each failure is told by its own code, and that the generated CORS and life-cycle documents are taken and do what the doctor then finds.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import {
  type CORSRule,
  type LifecycleRule,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '#config/config.ts'
import { Secret } from '#lib/secret.ts'
import { openEgress } from '#storage/egress.ts'
import { createS3Storage } from '#storage/s3/s3.ts'
import { type Azurite, missingForAzurite, startAzurite } from '../emulators/azurite.ts'
import { type Ceph, cephPackages, missingForCeph, startCeph } from '../emulators/ceph.ts'
import { type TestApi, withApi } from '../support/api.ts'

const missingCeph = await missingForCeph()
const missingAzurite = await missingForAzurite()
if (missingCeph.length > 0)
  console.warn(`LEFT OUT: the doctor on Ceph; no ${missingCeph.join(', ')}. Install ${cephPackages}.`)
if (missingAzurite !== null) console.warn(`LEFT OUT: the doctor on Azurite; ${missingAzurite}.`)

let api: TestApi
let projectId: string
let closedPort: number

/** The API anew; `settings` are the operator's. */
async function openApi(settings: Record<string, string> = {}): Promise<void> {
  await api?.close()
  api = await withApi({ egress: openEgress, config: readConfig(settings) })
  projectId = await api.addProject()
}

beforeAll(async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  closedPort = (server.address() as AddressInfo).port
  server.close()
})
afterAll(() => api?.close())

async function addIntegration(type: string, options: Record<string, string>): Promise<string> {
  const json = { type, name: 'i', options }
  const answer = await api.call(api.owner, 'POST', `/api/v1/orgs/${api.orgId}/integrations`, { json })
  expect(answer.status, answer.text).toBe(200)
  return answer.body.id
}

interface Described {
  readonly type: string
  readonly integrationId: string
  readonly payload: object
  readonly allowExternalDelete?: boolean
}

async function ask(path: string, described: Described) {
  const json = { metadata: { system: { projectId } }, ...described }
  const { status, body, text } = await api.call(api.owner, 'POST', `/api/v1/drivers/${path}`, { json })
  expect(status, text).toBe(200)
  return body
}

const documentOf = async (described: Described, name: string) =>
  (await ask('policies', described)).documents.find((one: { name: string }) => one.name === name).document

describe.skipIf(missingCeph.length > 0)('Ceph', () => {
  let ceph: Ceph
  let owner: string
  let client: S3Client
  const payload = (change: object = {}) => ({
    bucketName: 'photos',
    endpoint: ceph.endpoint,
    region: ceph.region,
    ...change,
  })
  const byOwner = (change: object = {}): Described => ({ type: 's3', integrationId: owner, payload: payload(change) })

  beforeAll(async () => {
    ceph = await startCeph()
    await openApi()
    const { endpoint, accessKey, secretKey, region } = ceph
    await ceph.createBucket('photos')
    owner = await addIntegration('s3', { key: accessKey, secret: secretKey })
    const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey }
    client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
  })
  afterAll(async () => {
    client?.destroy()
    await ceph?.stop()
  })

  test('each failure has its own code', async () => {
    const wrongSecret = await addIntegration('s3', { key: ceph.accessKey, secret: 'canary-wrong' })
    const wrongKey = await addIntegration('s3', { key: 'NOSUCHKEY', secret: ceph.secretKey })
    const stranger = await ceph.createUser('stranger')
    const without = await addIntegration('s3', { key: stranger.accessKey, secret: stranger.secretKey })
    const cases: [string, Described, string | null][] = [
      ['nothing', byOwner(), null],
      ['a host that does not answer', byOwner({ endpoint: `http://127.0.0.1:${closedPort}` }), 'storage.unreachable'],
      ['TLS where there is none', byOwner({ endpoint: ceph.endpoint.replace('http', 'https') }), 'storage.tls_failed'],
      ['an unknown bucket', byOwner({ bucketName: 'absent' }), 'storage.unknown_bucket'],
      ['a wrong secret', { ...byOwner(), integrationId: wrongSecret }, 'storage.bad_credentials'],
      ['a wrong key', { ...byOwner(), integrationId: wrongKey }, 'storage.bad_credentials'],
      ['a user without rights', { ...byOwner(), integrationId: without }, 'driver.check_failed'],
    ]
    for (const [name, described, code] of cases)
      expect([name, (await ask('doctor', described)).code]).toEqual([name, code])
  })

  test('each right that lacks is named, and no other', async () => {
    const rights = ['ListBucket', 'GetObject', 'PutObject', 'DeleteObject'] as const
    for (const [right, name] of [
      ['ListBucket', 'list'],
      ['PutObject', 'write'],
      ['DeleteObject', 'delete'],
    ] as const) {
      const others = rights.filter((one) => one !== right)
      const found = await ask('doctor', await byUserWith(name, others))
      expect([name, found.ok, found.code]).toEqual([name, false, 'driver.check_failed'])
      const probe = found.probes.find((one: { name: string }) => one.name === name)
      expect(probe).toMatchObject({ ok: false, code: 'storage.denied', remedy: expect.stringContaining(`s3:${right}`) })
      for (const other of others) expect(found.message).not.toContain(`s3:${other}`)
    }
  })

  test('a right to read that only its own files give is told as a warning', async () => {
    await client.send(new PutObjectCommand({ Bucket: 'photos', Key: 'theirs/a.txt', Body: 'a' }))
    const described = await byUserWith('reading', ['ListBucket', 'PutObject', 'DeleteObject'])
    const found = await ask('doctor', { ...described, payload: payload({ path: 'theirs' }) })
    // On Ceph, and on AWS with access lists, who writes a file owns it.
    expect(found.probes.find((one: { name: string }) => one.name === 'read').ok).toBe(true)
    expect(found.warnings.join(' ')).toContain('s3:GetObject')
  })

  /** A driver whose user has these rights in the bucket and no others. */
  async function byUserWith(name: string, rights: readonly string[]): Promise<Described> {
    const user = await ceph.createUser(`user-${name}`)
    const Action = rights.map((right) => `s3:${right}`)
    const Resource = ['arn:aws:s3:::photos', 'arn:aws:s3:::photos/*']
    await ceph.setUserPolicy(user.name, { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource }] })
    const integrationId = await addIntegration('s3', { key: user.accessKey, secret: user.secretKey })
    return { ...byOwner(), integrationId, allowExternalDelete: true }
  }

  test('a clock that is an hour off is told from a wrong key', async () => {
    const storage = createS3Storage({
      bucket: 'photos',
      endpoint: ceph.endpoint,
      region: ceph.region,
      accessKeyId: ceph.accessKey,
      secretAccessKey: new Secret(ceph.secretKey),
      clock: { now: () => Date.now() - 3_600_000 },
    })
    const { ok, probes } = await storage.check({ folder: '', allowDelete: false })
    expect([ok, probes[0]!.code]).toEqual([false, 'storage.clock_skew'])
    await storage.close()
    expect(Math.abs((await ask('doctor', byOwner())).clockAheadSeconds)).toBeLessThan(10)
  })

  test('without CORS it says so; with the generated rule it finds nothing missing, and the life cycle is taken', async () => {
    const before = await ask('doctor', byOwner())
    expect([before.ok, before.cors.ok]).toEqual([true, false])
    const cors: { CORSRules: CORSRule[] } = await documentOf(byOwner(), 'cors')
    expect(before.cors.rule).toEqual(cors)
    await client.send(new PutBucketCorsCommand({ Bucket: 'photos', CORSConfiguration: cors }))
    const after = await ask('doctor', byOwner())
    expect(after.cors).toMatchObject({ ok: true, missing: [] })
    const lifecycle: { Rules: LifecycleRule[] } = await documentOf(byOwner({ path: 'in' }), 'lifecycle')
    await client.send(
      new PutBucketLifecycleConfigurationCommand({ Bucket: 'photos', LifecycleConfiguration: lifecycle }),
    )
  })
})

describe.skipIf(missingAzurite !== null)('Azurite', () => {
  let azurite: Azurite
  let byKey: string
  const described = (integrationId: string, change: object = {}): Described => ({
    type: 'azureblob',
    integrationId,
    payload: { containerName: 'photos', endpoint: azurite.endpoint, ...change },
    allowExternalDelete: true,
  })

  beforeAll(async () => {
    azurite = await startAzurite()
    await openApi({ SLUICE_AZURE_ENDPOINT: azurite.endpoint })
    await azurite.createContainer('photos')
    byKey = await addIntegration('azure-account-key', { key: azurite.account, secret: azurite.accountKey })
  })
  afterAll(() => azurite?.stop())

  /** An integration whose signature allows these letters, until an hour from now or ago. */
  async function sas(permissions: string, hours = 1): Promise<string> {
    const token = generateBlobSASQueryParameters(
      {
        containerName: 'photos',
        permissions: ContainerSASPermissions.parse(permissions),
        startsOn: new Date(Date.now() - 7_200_000),
        expiresOn: new Date(Date.now() + hours * 3_600_000),
      },
      new StorageSharedKeyCredential(azurite.account, azurite.accountKey),
    )
    return addIntegration('azure-sas', { key: azurite.account, secret: `?${token}` })
  }

  test('each failure has its own code', async () => {
    const wrongKey = await addIntegration('azure-account-key', {
      key: azurite.account,
      secret: Buffer.alloc(64, 1).toString('base64'),
    })
    const cases: [string, Described, string | null][] = [
      ['nothing', described(byKey), null],
      [
        'a host that does not answer',
        described(byKey, { endpoint: `http://127.0.0.1:${closedPort}` }),
        'storage.unreachable',
      ],
      [
        'TLS where there is none',
        described(byKey, { endpoint: azurite.endpoint.replace('http', 'https') }),
        'storage.tls_failed',
      ],
      ['an unknown container', described(byKey, { containerName: 'absent' }), 'storage.unknown_bucket'],
      ['a wrong key', described(wrongKey), 'storage.bad_credentials'],
      ['a signature without rights to the blobs', described(await sas('l')), 'driver.check_failed'],
      ['a signature that has ended', described(await sas('rcwdl', -1)), 'storage.expired_credentials'],
    ]
    for (const [name, one, code] of cases) expect([name, (await ask('doctor', one)).code]).toEqual([name, code])
  })

  test('the generated signature’s permissions are enough, and each one that lacks is told by its probe', async () => {
    const wanted = (await documentOf(described(await sas('r')), 'sas')).signedPermissions as string
    expect((await ask('doctor', described(await sas(wanted)))).code).toBe(null)
    for (const [letters, name] of [
      ['r', 'read'],
      ['cw', 'write'],
      ['d', 'delete'],
      ['l', 'list'],
    ] as const) {
      const rest = [...wanted].filter((letter) => !letters.includes(letter)).join('')
      const found = await ask('doctor', described(await sas(rest)))
      expect([name, found.ok]).toEqual([name, false])
      expect(found.probes.find((one: { name: string }) => one.name === name)).toMatchObject({
        ok: false,
        code: 'storage.denied',
      })
    }
  })

  test('without CORS it says so; with the generated rule it finds nothing missing', async () => {
    const before = await ask('doctor', described(byKey))
    expect([before.ok, before.cors.ok]).toEqual([true, false])
    const [rule] = (await documentOf(described(byKey), 'cors')).properties.cors.corsRules
    const credential = new StorageSharedKeyCredential(azurite.account, azurite.accountKey)
    const service = new BlobServiceClient(`${azurite.endpoint}/${azurite.account}`, credential)
    await service.setProperties({
      cors: [
        {
          allowedOrigins: rule.allowedOrigins.join(','),
          allowedMethods: rule.allowedMethods.join(','),
          allowedHeaders: rule.allowedHeaders.join(','),
          exposedHeaders: rule.exposedHeaders.join(','),
          maxAgeInSeconds: rule.maxAgeInSeconds,
        },
      ],
    })
    expect((await ask('doctor', described(byKey))).cors).toMatchObject({ ok: true, missing: [] })
  })
})
