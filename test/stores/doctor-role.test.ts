// Proves that the generated policies of a role are enough and no more, on a real token service (Ceph's): the user may nothing but become the role, the role passes check and sync, and is refused everything outside its folder.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '#config/config.ts'
import { describePolicies, policiesOf } from '#core/drivers/drivers.ts'
import { Secret } from '#lib/secret.ts'
import type { Storage } from '#storage/port.ts'
import { createS3Storage } from '#storage/s3/s3.ts'
import { type Ceph, type CephUser, cephPackages, missingForCeph, startCeph } from '../emulators/ceph.ts'
import { connectStorage, type SyncedApi } from '../support/sync.ts'

const missing = await missingForCeph()
if (missing.length > 0) {
  console.warn(`LEFT OUT: generated policies of roles on Ceph; no ${missing.join(', ')}. Install ${cephPackages}.`)
}

describe.skipIf(missing.length > 0)('the generated policies of a role', () => {
  const bucket = 'roles'
  let ceph: Ceph
  let deputy: CephUser
  let roleArn: string
  let synced: SyncedApi | undefined
  const opened: Storage[] = []

  const documentOf = (name: string) => {
    const payload = { bucketName: bucket, path: 'in' }
    const described = describePolicies({ type: 's3', integrationType: 'aws-sts', payload, allowDelete: false })
    const set = policiesOf({ ...described, trust: null }, { origin: 'https://sluice.example', abortUploads: false })
    return set.documents.find((one) => one.name === name)!.document as object
  }
  const open = (options: Partial<Parameters<typeof createS3Storage>[0]>) => {
    const storage = createS3Storage({ bucket, endpoint: ceph.endpoint, region: ceph.region, ...options })
    opened.push(storage)
    return storage
  }
  const put = (storage: Storage, key: string) => storage.write(key, Buffer.from(key), { sizeBytes: key.length })

  beforeAll(async () => {
    ceph = await startCeph({ hasSts: true })
    await ceph.createBucket(bucket)
    const owner = open({ accessKeyId: ceph.accessKey, secretAccessKey: new Secret(ceph.secretKey) })
    for (const key of ['in/a.txt', 'in/deep/b.txt', 'out/secret.txt']) await put(owner, key)
    deputy = await ceph.createUser('deputy')
    roleArn = await ceph.createRole('sluice', 'deputy', documentOf('role-policy'))
    // The document names a role of AWS's account; Ceph's roles have none.
    const assume = JSON.parse(
      JSON.stringify(documentOf('user-policy')).replace('arn:aws:iam::ACCOUNT_ID:role/sluice', roleArn),
    )
    await ceph.setUserPolicy('deputy', assume)
  })
  afterAll(async () => {
    for (const storage of opened) await storage.close()
    await synced?.close()
    await ceph?.stop()
  })

  test('let a driver be checked and synced, while the user alone may nothing', async () => {
    const options = { key: deputy.accessKey, secret: deputy.secretKey, roleArns: roleArn }
    const payload = { bucketName: bucket, endpoint: ceph.endpoint, region: ceph.region, path: 'in' }
    const spec = { integration: { type: 'aws-sts', options }, driver: { type: 's3', payload } }
    synced = await connectStorage(spec, { config: readConfig({ SLUICE_AWS_STS_ENDPOINT: ceph.endpoint }) })
    const datasetId = await synced.addDataset({ sync: true })
    await synced.work()
    expect(await synced.items(datasetId)).toEqual(['a.txt', 'deep/b.txt'])
    const alone = open({ accessKeyId: deputy.accessKey, secretAccessKey: new Secret(deputy.secretKey) })
    await expect(alone.list({ prefix: 'in/' })).rejects.toMatchObject({ kind: 'forbidden' })
  })

  test('hold for a session that nothing narrows besides', async () => {
    const secretAccessKey = new Secret(deputy.secretKey)
    const session = open({
      role: {
        roleArns: [roleArn],
        sessionName: 'test',
        identity: { kind: 'key', accessKeyId: deputy.accessKey, secretAccessKey },
        stsEndpoint: ceph.endpoint,
        isStsTrusted: true,
      },
    })
    expect((await session.list({ prefix: 'in/' })).count).toBeGreaterThan(1)
    await put(session, 'in/new.txt')
    for (const act of [
      () => session.list({ prefix: '' }),
      () => session.list({ prefix: 'out/' }),
      () => session.read('out/secret.txt'),
      () => put(session, 'out/new.txt'),
    ])
      await expect(act()).rejects.toMatchObject({ kind: 'forbidden' })
    expect((await session.remove(['in/a.txt']))[0]).toMatchObject({ ok: false, error: { kind: 'forbidden' } })
  })
})
