// Proves that Sluice runs on the oldest PostgreSQL it says it runs on: a bucket becomes a dataset, every object an item, every byte the same.
import { expect, test } from 'vitest'
import { startBucket } from '../../src/demo/bucket.ts'
import { compare } from '../../src/demo/compare.ts'
import { prepare } from '../../src/demo/prepare.ts'
import { makeSamples } from '../../src/demo/samples.ts'
import { hasDebianPostgres, startDebianPostgres } from '../support/debian-postgres.ts'
import { makeDataDir, runCommand, startServerProcess } from '../support/server.ts'

test('migrate, serve, sync, query and stream on PostgreSQL 15', async () => {
  if (!(await hasDebianPostgres())) throw new Error('this test wants PostgreSQL 15 (Debian: postgresql-15)')
  const owner = { email: 'owner@example.com', password: 'long enough' }
  const keys = { accessKeyId: 'KEY', secretKey: 'secret' }
  const [database, data, bucket] = [
    await startDebianPostgres(),
    await makeDataDir(),
    await startBucket({ port: 0, ...keys }),
  ]
  try {
    for (const { key, bytes, contentType } of makeSamples()) bucket.put(key, bytes, contentType)
    const samples = bucket.keys().length
    const env = { SLUICE_DATA_DIR: data.path, DATABASE_URL: database.url }
    expect(await runCommand('migrate', env)).toMatchObject({ code: 0 })
    const server = await startServerProcess({
      ...env,
      SLUICE_OWNER_EMAIL: owner.email,
      SLUICE_OWNER_PASSWORD: owner.password,
      SLUICE_ORG_NAME: 'Fifteen',
    })
    const { client, datasetId, syncSeconds } = await prepare(server.url, owner, bucket, keys)
    const outcome = await compare(client, datasetId, bucket, syncSeconds)
    expect(outcome.problems).toEqual([])
    expect(outcome.objects).toBe(samples)
    expect(await server.stop()).toBe(0)
  } finally {
    await bucket.close()
    await database.stop()
    await data.remove()
  }
})
