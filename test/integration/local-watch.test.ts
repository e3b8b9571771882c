// Proves that changes in a watched folder on the server reach its datasets by themselves, as hints that are looked at, and that nothing is lost when too much changes.
import { appendFile, mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readConfig } from '#config/config.ts'
import { closeDrivers } from '#core/drivers/drivers.ts'
import { drainHints } from '#core/hints/hints.ts'
import { continueSync } from '#core/sync/sync.ts'
import { LocalWatches } from '../../src/jobs/local-watch.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { addDriver, sendDriver } from '../support/drivers.ts'
import { addDataset } from '../support/uploads.ts'

const UNTIL = { timeout: 20_000, interval: 50 }

let base: string
let root: string
let api: TestApi
let projectId: string
let watches: LocalWatches
let queued: number[]
const never = new AbortController().signal

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'sluice-watch-')))
  root = join(base, 'root')
  await mkdir(join(root, 'pictures'), { recursive: true })
  await writeFile(join(root, 'pictures', 'a.jpg'), 'a')
  queued = []
  api = await withApi({
    config: readConfig({ SLUICE_DATA_DIR: base, SLUICE_LOCAL_ROOTS: root }),
    queue: {
      enqueue: async (_tx, job, payload) => {
        if (job === 'sync.slice') queued.push((payload as { runNo: number }).runNo)
      },
    },
  })
  projectId = await api.addProject()
  watches = new LocalWatches(api.deps)
})
afterEach(async () => {
  watches.close()
  await closeDrivers(api.deps)
  await api.close()
  await rm(base, { recursive: true, force: true })
})

const payload = (more: Record<string, unknown> = {}) => ({
  rootPath: root,
  path: 'pictures',
  bucketName: undefined,
  region: undefined,
  storageClass: undefined,
  ...more,
})

async function work(): Promise<void> {
  while (queued.length > 0) await continueSync(api.deps, queued.shift()!, never)
}

async function syncs(datasetId: string): Promise<number> {
  return (await api.call(api.owner, 'GET', `/api/v1/datasets/${datasetId}/syncs`)).body.items.length
}

async function syncedDataset(driverId: string): Promise<string> {
  const datasetId = await addDataset(api, projectId, driverId)
  expect((await api.call(api.owner, 'POST', `/api/v1/datasets/${datasetId}/sync`)).status).toBeLessThan(400)
  await work()
  return datasetId
}

/** A watched dataset whose first sync, and that with which a watch begins, are done. */
async function watchedDataset(): Promise<string> {
  const driverId = await addDriver(api, { projectId, payload: payload({ watch: true }), more: { type: 'local' } })
  const datasetId = await syncedDataset(driverId)
  await watches.refresh()
  await work()
  expect(await syncs(datasetId)).toBe(2)
  return datasetId
}

/** Names of the items that are there, missing ones with a mark; hints are drained first. */
async function items(datasetId: string): Promise<string[]> {
  await drainHints(api.deps, never)
  const { rows } = await api.deps.db.query<{ path: string }>(
    `select f.path || i.name || case i.state when 1 then ' missing' else '' end as path
       from item i join dir f using (dataset_no, dir_no) join dataset d using (dataset_no) where d.id = $1 order by 1`,
    [datasetId],
  )
  return rows.map((row) => row.path)
}

const untilItems = (datasetId: string, expected: string[]) =>
  vi.waitFor(async () => expect(await items(datasetId)).toEqual(expected), UNTIL)

test('files that come, change, move and go are items, changed, moved and gone, without a sync', async () => {
  const datasetId = await watchedDataset()
  await writeFile(join(root, 'pictures', 'b.jpg'), 'b')
  await mkdir(join(root, 'pictures', 'new', 'deep'), { recursive: true })
  await writeFile(join(root, 'pictures', 'new', 'deep', 'ä %+.jpg'), 'c')
  await untilItems(datasetId, ['a.jpg', 'b.jpg', 'new/deep/ä %+.jpg'])
  await appendFile(join(root, 'pictures', 'b.jpg'), 'more')
  await vi.waitFor(async () => {
    await drainHints(api.deps, never)
    const { rows } = await api.deps.db.query(`select size_bytes::int as size from item where name = 'b.jpg'`)
    expect(rows).toEqual([{ size: 5 }])
  }, UNTIL)
  await rename(join(root, 'pictures', 'b.jpg'), join(root, 'pictures', 'moved.jpg'))
  await rm(join(root, 'pictures', 'a.jpg'))
  await untilItems(datasetId, ['moved.jpg', 'new/deep/ä %+.jpg'])
  expect(queued).toEqual([])
  expect(await syncs(datasetId)).toBe(2)
})

test('what is outside of the driver’s folder, hidden, unfinished, or behind a link that leads out says nothing', async () => {
  const datasetId = await watchedDataset()
  await mkdir(join(base, 'outside'))
  await symlink(join(base, 'outside'), join(root, 'pictures', 'way-out'))
  await writeFile(join(base, 'outside', 'x.jpg'), 'x')
  await writeFile(join(root, 'beside.jpg'), 'x')
  await mkdir(join(root, 'pictures', '.dataloop'), { recursive: true })
  await writeFile(join(root, 'pictures', '.dataloop', 'thumb.jpg'), 'x')
  await writeFile(join(root, 'pictures', '.sluice-upload-0123456789abcdef'), 'x')
  await writeFile(join(root, 'pictures', 'last.jpg'), 'x')
  await untilItems(datasetId, ['a.jpg', 'last.jpg'])
})

test('our own check writes and removes its file without an echo', async () => {
  const datasetId = await watchedDataset()
  const { rows } = await api.deps.db.query<{ id: string }>('select driver_id as id from dataset where id = $1', [
    datasetId,
  ])
  expect((await api.call(api.owner, 'GET', `/api/v1/drivers/${rows[0]!.id}/test`)).status).toBeLessThan(300)
  await writeFile(join(root, 'pictures', 'last.jpg'), 'x')
  await untilItems(datasetId, ['a.jpg', 'last.jpg'])
  expect(await syncs(datasetId)).toBe(2)
})

test('a folder that goes as a whole, whose files nobody names, makes a sync', async () => {
  await mkdir(join(root, 'pictures', 'box'))
  await writeFile(join(root, 'pictures', 'box', 'in.jpg'), 'x')
  const datasetId = await watchedDataset()
  await rename(join(root, 'pictures', 'box'), join(base, 'taken-away'))
  await vi.waitFor(async () => {
    await watches.refresh()
    await work()
    expect(await items(datasetId)).toEqual(['a.jpg', 'box/in.jpg missing'])
  }, UNTIL)
  expect(await syncs(datasetId)).toBe(3)
})

test('more changes than are kept make one sync, and nothing is missed', async () => {
  const datasetId = await watchedDataset()
  // Each file makes two events or three, or one where the system joins them, and 8,000 events are kept.
  const many = 9_000
  for (let from = 0; from < many; from += 500)
    await Promise.all(Array.from({ length: 500 }, (_, n) => writeFile(join(root, 'pictures', `${from + n}.jpg`), 'x')))
  await vi.waitFor(
    async () => {
      await watches.refresh()
      await work()
      expect(await items(datasetId)).toHaveLength(many + 1)
    },
    { timeout: 90_000, interval: 50 },
  )
  expect(await syncs(datasetId)).toBeGreaterThan(2)
}, 120_000)

test('nothing is watched that did not ask for it, was never synced, or is closed to drivers by now', async () => {
  const quiet = await addDriver(api, { projectId, payload: payload(), more: { type: 'local', name: 'quiet' } })
  const datasetId = await syncedDataset(quiet)
  const asking = await addDriver(api, {
    projectId,
    payload: payload({ watch: true }),
    more: { type: 'local', name: 'asking' },
  })
  const unsynced = await addDataset(api, projectId, asking)
  await watches.refresh()
  expect(queued).toEqual([])
  await writeFile(join(root, 'pictures', 'b.jpg'), 'b')
  expect(await syncs(unsynced)).toBe(0)
  expect(await items(datasetId)).toEqual(['a.jpg'])
})

test('a folder that is replaced by another is watched anew, with a sync', async () => {
  const datasetId = await watchedDataset()
  await rename(join(root, 'pictures'), join(base, 'before'))
  await mkdir(join(root, 'pictures'))
  await writeFile(join(root, 'pictures', 'a.jpg'), 'another')
  await writeFile(join(root, 'pictures', 'other.jpg'), 'x')
  await vi.waitFor(async () => {
    await watches.refresh()
    await work()
    expect(await items(datasetId)).toEqual(['a.jpg', 'other.jpg'])
  }, UNTIL)
  await writeFile(join(root, 'pictures', 'later.jpg'), 'x')
  await untilItems(datasetId, ['a.jpg', 'later.jpg', 'other.jpg'])
})

test('the setting is kept and shown', async () => {
  const answer = await sendDriver(api, { projectId, payload: payload({ watch: true }), more: { type: 'local' } })
  expect(answer.body.watch).toBe(true)
})
