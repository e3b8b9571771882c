// Proves that drivers of an operator's module are made, checked, synced and read through the API like any others, and outlive the module.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadDriverModules } from '#storage/modules.ts'
import { sendDriver } from '../support/drivers.ts'
import { connectStorage, type SyncedApi } from '../support/sync.ts'

const example = join(import.meta.dirname, '../../examples/sqlite-driver/driver.ts')

let folder: string
let synced: SyncedApi

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-modules-'))
  process.env.SQLITE_BUCKETS = folder
  const database = new DatabaseSync(join(folder, 'photos.sqlite'))
  database.exec('create table object (key blob primary key, body blob, etag text, modified int)')
  const insert = database.prepare('insert into object values (?, ?, ?, ?)')
  for (const key of ['a.jpg', 'in/b é.jpg', 'in/deep/c.jpg', 'other/../d.jpg'])
    insert.run(Buffer.from(key), Buffer.from(`content of ${key}`), 'e1', Date.now())
  database.close()
  // One that wants a secret, and shows where it got to.
  const locked = join(folder, 'locked.mjs')
  await writeFile(
    locked,
    `export const sluiceDriver = {
      api: 1, type: 'x-locked', label: 'Locked', secret: 'required',
      fields: [{ name: 'server', label: 'Server', type: 'string', required: true, isPlace: true }, { name: 'fast', label: 'Fast', type: 'boolean', required: false }],
      open({ secret, kit }) {
        throw new kit.StorageError(secret.reveal() === 'open sesame' ? 'unavailable' : 'bad-credentials', 'Told by the module.', { provider: 'x-locked', op: 'open' })
      },
    }`,
  )
  await loadDriverModules([example, locked])
  synced = await connectStorage({
    integration: null,
    driver: { type: 'x-sqlite', payload: { database: 'photos', path: '' } },
  })
})
afterAll(async () => {
  await synced?.close()
  await rm(folder, { recursive: true })
})

const make = (type: string, payload: Record<string, unknown>, integrationId: string | null = null) => {
  const { api, projectId } = synced
  return sendDriver(api, { projectId, payload, more: { type, integrationId, integrationType: null } })
}

test('a dataset on it has its objects as items, which are read through the server', async () => {
  const datasetId = await synced.addDataset({ sync: false })
  const command = await synced.sync(datasetId)
  expect(command.body).toMatchObject({ status: 'success', spec: { counts: { added: 4 } } })
  expect(await synced.items(datasetId)).toEqual(['a.jpg', 'in/b é.jpg', 'in/deep/c.jpg', 'other/../d.jpg'])
  const { api } = synced
  const answer = await api.call(api.owner, 'GET', `/api/v1/drivers/${synced.driverId}`)
  expect(answer.body).toMatchObject({ type: 'x-sqlite', database: 'photos', state: 'ready' })
  const groups = await api.call(api.owner, 'GET', `/api/v1/drivers/byProvider?projectId=${synced.projectId}`)
  expect(Object.keys(groups.body)).toEqual(['module'])
})

test('forms are told what to ask for', async () => {
  const { api } = synced
  const { body } = await api.call(api.owner, 'GET', '/api/v1/drivers/moduleTypes')
  expect(body.find(({ type }: { type: string }) => type === 'x-sqlite')).toEqual({
    type: 'x-sqlite',
    label: 'SQLite file',
    integrationTypes: [],
    isIntegrationRequired: false,
    fields: [{ name: 'database', label: 'Database', type: 'string', required: true }],
  })
})

test.each([
  ['a required field', {}, 'payload.database', 'required'],
  ['a text that does not match', { database: '../photos' }, 'payload.database', 'small letters'],
  ['a text that matches in a part only', { database: 'photos\n' }, 'payload.database', 'small letters'],
  ['another type', { database: true }, 'payload.database', 'small letters'],
])('%s that is wrong is an issue of its field', async (_, payload, path, words) => {
  const answer = await make('x-sqlite', payload)
  expect([answer.status, answer.body.code]).toEqual([400, 'driver.invalid'])
  expect(answer.body.details).toEqual([{ path, message: expect.stringContaining(words) }])
})

test('what the storage says has its own code', async () => {
  const answer = await make('x-sqlite', { database: 'absent' })
  expect(answer.body).toMatchObject({ code: 'storage.unknown_bucket' })
})

test('a secret comes from an integration, and is in no answer and no log', async () => {
  const { api } = synced
  const secretOf = async (value: string) => {
    const json = { type: 'key_value', name: `secret ${value.length}`, options: { key: 'locked', value } }
    const answer = await api.call(api.owner, 'POST', `/api/v1/orgs/${api.orgId}/integrations`, { json })
    expect(answer.status, answer.text).toBe(200)
    return answer.body.id as string
  }
  const without = await make('x-locked', { server: 's' })
  expect(without.body).toMatchObject({ code: 'driver.invalid', details: [{ path: 'integrationId' }] })
  const right = await make('x-locked', { server: 's' }, await secretOf('open sesame'))
  expect(right.body).toMatchObject({ code: 'storage.unavailable', message: 'Told by the module.' })
  const wrong = await make('x-locked', { server: 's', fast: true }, await secretOf('open barley'))
  expect(wrong.body).toMatchObject({ code: 'storage.bad_credentials' })
  expect(right.text + wrong.text + api.logs()).not.toMatch(/sesame|barley/)
})

test('a type whose module is not there: none is made, and those there are stay and say so', async () => {
  const { api, projectId, driverId } = synced
  expect((await make('x-gone', {})).body).toMatchObject({ code: 'driver.invalid' })
  await api.database.pool.query("update driver set type = 'x-gone' where id = $1", [driverId])
  const listed = await api.call(api.owner, 'GET', `/api/v1/drivers?projectId=${projectId}`)
  expect(listed.body.map(({ type }: { type: string }) => type)).toEqual(['x-gone'])
  const grouped = await api.call(api.owner, 'GET', `/api/v1/drivers/byProvider?projectId=${projectId}`)
  expect(grouped.status).toBe(200)
  const tested = await api.call(api.owner, 'GET', `/api/v1/drivers/${driverId}/test`)
  expect(tested.body).toMatchObject({ code: 'driver.not_supported' })
})
