// Proves area by area that the vendor's unmodified SDK works against the server: each check of the scripts in areas/ is one test here.
import { readdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { startCeph } from '../emulators/ceph.ts'
import { startHierarchical } from '../fakes/azure-hierarchical.ts'
import { startEntra } from '../fakes/entra.ts'
import { startFakeGcs } from '../fakes/gcs.ts'
import { withDatabase } from '../support/database.ts'
import { makeDataDir, startServerProcess } from '../support/server.ts'
import { type AreaOutcome, runAreas } from './area-run.ts'
import { startWitness } from './witness.ts'

const owner = { email: 'sdk@example.com', password: 'correct horse battery' }
const BUCKET = 'sdk-areas'
/** As many as the work of issue 4 was agreed on; fewer would mean that scripts end early. */
const CHECKS_MIN = 250
/** The machine's cores are shared with the server, the bucket and the database. */
const AREAS_AT_ONCE = 2

/** Names of the scripts; `SDK_AREAS=items,queries` takes only these, for whoever works on one. */
async function areaNames(): Promise<string[]> {
  const files = await readdir(fileURLToPath(new URL('./areas/', import.meta.url)))
  const all = files.filter((file) => file.endsWith('.py') && file !== 'frame.py').map((file) => file.slice(0, -3))
  const chosen = process.env.SDK_AREAS?.split(',')
  return all.filter((area) => chosen?.includes(area) ?? true).sort()
}

/** Who the suite is to the fake directory. */
const application = {
  tenantId: '11111111-1111-1111-1111-111111111111',
  clientId: '22222222-2222-2222-2222-222222222222',
  secret: 'sdk-client-secret',
  assertion: 'unused',
}

async function runSuite(areas: readonly string[]): Promise<AreaOutcome[]> {
  const ends: (() => Promise<unknown>)[] = []
  try {
    const data = await makeDataDir()
    ends.push(data.remove)
    const [ceph, database] = await Promise.all([startCeph(), withDatabase()])
    ends.push(ceph.stop, database.drop)
    await ceph.createBucket(BUCKET)
    const gcs = await startFakeGcs()
    ends.push(gcs.stop)
    const files = { 'a/ä 1.txt': 'one', 'a/b/+%2F.bin': 'two', 'plain.txt': 'three' }
    const gcsBucket = gcs.addBucket('sdk-gcs')
    for (const [key, text] of Object.entries(files)) gcsBucket.put(`folder/${key}`, Buffer.from(text))
    const lake = await startHierarchical('sdk-lake')
    const entra = await startEntra(application)
    ends.push(lake.close, entra.close)
    for (const [key, text] of Object.entries(files)) lake.files.set(`folder/${key}`, Buffer.from(text))
    const server = await startServerProcess({
      SLUICE_DATA_DIR: data.path,
      DATABASE_URL: database.url,
      SLUICE_OWNER_EMAIL: owner.email,
      SLUICE_OWNER_PASSWORD: owner.password,
      SLUICE_ORG_NAME: 'SDK',
      SLUICE_GCP_ENDPOINT: gcs.endpoint,
      SLUICE_AZURE_ENDPOINT: lake.endpoint,
      SLUICE_AZURE_AUTHORITY: entra.url,
    })
    ends.push(server.stop)
    const { endpoint, region, accessKey, secretKey } = ceph
    const bucket = { name: BUCKET, endpoint, region, accessKeyId: accessKey, secretKey }
    const witness = await startWitness(database.pool, bucket)
    ends.push(witness.close)
    const task = {
      server: server.url,
      witness: witness.url,
      ...owner,
      bucket,
      gcs: { bucket: gcsBucket.name, content: gcs.addAccount().keyFile, files },
      azure: {
        container: 'sdk-lake',
        options: {
          key: 'account',
          secret: application.secret,
          clientId: application.clientId,
          tenantId: application.tenantId,
        },
        files,
      },
    }
    const outcomes = await runAreas(areas, task, data.path, AREAS_AT_ONCE)
    if (process.env.SDK_REPORT !== undefined)
      await writeFile(process.env.SDK_REPORT, JSON.stringify({ outcomes, log: server.output() }))
    return outcomes
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

// Before the tests are declared, because each check that was told is one of them.
const names = await areaNames()
const outcomes = await runSuite(names)

for (const { area, checks, failure, seconds } of outcomes) {
  describe(`${area}, ${checks.length} checks in ${seconds.toFixed(0)} s`, () => {
    test('the script comes to its end', () => expect(failure).toBeNull())
    for (const [no, { name, ok, got, want }] of checks.entries())
      test(`${no + 1} ${name}`, () => {
        if (!ok) expect(got).toEqual(want)
        expect(ok).toBe(true)
      })
  })
}

test('the areas together make enough checks', () => {
  const count = outcomes.reduce((sum, { checks }) => sum + checks.length, 0)
  console.info(`${count} checks of the SDK in ${outcomes.length} areas`)
  if (process.env.SDK_AREAS === undefined) expect(count).toBeGreaterThanOrEqual(CHECKS_MIN)
})
