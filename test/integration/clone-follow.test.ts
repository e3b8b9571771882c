// Proves that clones follow what became of their masters' files (CM-15): gone, back, never new ones; and that nothing else marks them.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { markFound, markMissing, removeItems, takeTicket } from '#core/catalog/catalog.ts'
import { CLONE_FOLLOW_JOB, continueDatasetTask, followClones } from '#core/clones/clones.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { newId, parseItemId } from '#lib/ids.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'
import { findFolderFaults } from '../support/invariants.ts'

const { signal } = new AbortController()
const tasks: string[] = []
const follows: number[] = []
let api: TestApi
let projectId: string
beforeAll(async () => {
  const enqueue = async (_tx: Db, job: string, payload: Record<string, unknown>) => {
    if (job === CLONE_FOLLOW_JOB) follows.push(payload.datasetNo as number)
    else if (payload.commandId !== undefined) tasks.push(payload.commandId as string)
  }
  api = await withApi({ queue: { enqueue } as TestApi['deps']['queue'] })
  projectId = await api.addProject()
})
afterAll(() => api.close())

/** A dataset of rows that mirrors a folder of a bucket. */
async function mirror(keys: readonly string[]): Promise<SeededDataset> {
  const { db } = api.deps
  const driverId = newId(Date.now())
  const { rows } = await db.query<{ no: number }>(
    `insert into source (org_id, provider, fingerprint) values ($1, 's3', $2) returning source_no as no`,
    [api.orgId, driverId],
  )
  await db.query(
    `insert into driver (id, project_id, source_no, name, type, folder, config, creator_id) values ($1, $2, $3, $1, 's3', 'in/', '{"bucketName": "b"}', $4)`,
    [driverId, projectId, rows[0]!.no, api.owner.userId],
  )
  return seedDataset(db, keys, { projectId, driverId, creatorId: api.owner.userId })
}

async function clone(datasetId: string, name: string): Promise<{ id: string; no: number }> {
  const started = await api.call(api.owner, 'POST', `/api/v1/datasets/${datasetId}/clone`, { json: { name } })
  while (tasks.length > 0) await continueDatasetTask(api.deps, tasks.shift()!, signal)
  const command = await api.call(api.owner, 'GET', `/api/v1/commands/${started.body.id}`)
  expect(command.body.status, command.text).toBe('success')
  const id = command.body.spec.returnedModelId
  const { rows } = await api.deps.db.query('select dataset_no as no from dataset where id = $1', [id])
  return { id, no: rows[0]!.no }
}

async function at(datasetNo: number, work: typeof markMissing, itemIds: readonly string[]): Promise<void> {
  const target = { datasetNo, orgId: api.orgId, ticket: await takeTicket(api.deps.db), nowMs: Date.now() }
  const numbers = itemIds.map((id) => (parseItemId(id) as { itemNo: string }).itemNo)
  await withTransaction(api.deps.db, (tx) => work(tx, target, numbers))
}

/** Names of what is missing in a dataset, whose counters and fingerprints are as they must be. */
async function missing({ id, no }: { id: string; no: number }): Promise<string[]> {
  expect(await findFolderFaults(api.deps.db, no)).toEqual([])
  const json = { resource: 'items', filter: { state: 'missing' } }
  const { body } = await api.call(api.owner, 'POST', `/api/v1/datasets/${id}/query`, { json })
  return body.items.map((item: { filename: string }) => item.filename).sort()
}

test('a file that is gone at the master is missing in its clones and in theirs, and found when it is back', async () => {
  const master = await mirror(['a.jpg', 'f/b.jpg', 'f/c.jpg'])
  const first = await clone(master.datasetId, 'first')
  const second = await clone(first.id, 'second')
  await at(master.datasetNo, markMissing, [master.idOf('a.jpg'), master.idOf('f/b.jpg')])
  expect(await followClones(api.deps, master.datasetNo, signal)).toBe(true)
  expect(await missing(first)).toEqual(['/a.jpg', '/f/b.jpg'])
  expect(follows.splice(0)).toEqual([first.no])
  await followClones(api.deps, first.no, signal)
  expect(await missing(second)).toEqual(['/a.jpg', '/f/b.jpg'])

  await at(master.datasetNo, markFound, [master.idOf('a.jpg')])
  await followClones(api.deps, master.datasetNo, signal)
  expect(await missing(first)).toEqual(['/f/b.jpg'])
  follows.splice(0)
  await followClones(api.deps, master.datasetNo, signal)
  expect(follows).toEqual([])
})

test('one that an event removed from the master because it is gone is missing, one that a person deleted there is not', async () => {
  const master = await mirror(['gone.jpg', 'deleted.jpg', 'excluded.jpg'])
  const copy = await clone(master.datasetId, 'kept')
  const remove = (reason: 'gone' | 'excluded') => (tx: never, target: never, numbers: readonly string[]) =>
    removeItems(tx, target, numbers, reason)
  await at(master.datasetNo, remove('gone') as typeof markMissing, [master.idOf('gone.jpg')])
  await at(master.datasetNo, remove('excluded') as typeof markMissing, [master.idOf('excluded.jpg')])
  await api.call(api.owner, 'DELETE', `/api/v1/items/${master.idOf('deleted.jpg')}`)
  await followClones(api.deps, master.datasetNo, signal)
  expect(await missing(copy)).toEqual(['/gone.jpg'])
})

test('one that has a file of its own by now, and one in a read-only dataset, stay as they are', async () => {
  const master = await mirror(['own.jpg', 'same.jpg'])
  const copy = await clone(master.datasetId, 'own')
  await api.deps.db.query(
    `update item set object_key = 'other', object_driver_id = null where dataset_no = $1 and name = 'own.jpg'`,
    [copy.no],
  )
  const frozen = await clone(master.datasetId, 'frozen')
  await api.call(api.owner, 'PATCH', `/api/v1/datasets/${frozen.id}`, { json: { readonly: true } })
  await at(master.datasetNo, markMissing, [master.idOf('own.jpg'), master.idOf('same.jpg')])
  expect(await followClones(api.deps, master.datasetNo, signal)).toBe(true)
  expect(await missing(copy)).toEqual(['/same.jpg'])
  expect(await missing(frozen)).toEqual([])
})
