// Proves that an annotator looks at items and nothing more: no control that syncs, uploads or connects, and an API that refuses it all the same.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Client } from '#client/client.ts'
import { picture } from './files.ts'
import { keepFailures, look } from './screens.ts'
import { logIn, openStage, type Seat, type Stage } from './stage.ts'
import { addSomebody, type Synced, syncBucket } from './synced.ts'

let stage: Stage
let seat: Seat
let synced: Synced
let annotator: { email: string; password: string }
let client: Client
beforeAll(async () => {
  stage = await openStage()
  await stage.bucket.putAll(new Map([['1.jpg', await picture(1)]]))
  synced = await syncBucket(stage)
  annotator = await addSomebody(synced, 'annotator')
  client = await stage.as(annotator.email, annotator.password)
  seat = await stage.seat()
})
afterAll(() => stage?.close())
keepFailures(() => seat?.page)

test('the annotator sees the dataset, and no control that changes it', async () => {
  const { page } = seat
  await logIn(page, annotator)
  await page.getByRole('link', { name: 'street scenes' }).click()
  await page.getByRole('button', { name: '1.jpg', exact: true }).waitFor()
  for (const name of ['Sync', 'Upload', 'Clone'])
    expect([name, await page.getByRole('button', { name, exact: true }).count()]).toEqual([name, 0])
  await look(page, 'annotator-browser')
  await page.getByRole('button', { name: '1.jpg', exact: true }).dblclick()
  await page.getByRole('img', { name: '1.jpg' }).waitFor()
  await look(page, 'annotator-viewer')
})

test('pages that are not for annotators say so', async () => {
  const { page } = seat
  await page.goto(`/projects/${synced.projectId}/drivers`)
  await page.getByText('You do not have the right to see this').first().waitFor()
  await look(page, 'annotator-drivers')
})

test('the API refuses what the console does not offer', async () => {
  const params = { datasetId: synced.datasetId }
  const refused = { status: 403, code: 'access.forbidden' }
  await expect(client.syncDataset({ params, body: {} })).rejects.toMatchObject(refused)
  await expect(client.cloneDataset({ params, body: { name: 'mine' } })).rejects.toMatchObject(refused)
  await expect(client.listDrivers({ query: { projectId: synced.projectId } })).rejects.toMatchObject(refused)
})

test('nothing went wrong in the window meanwhile', () => {
  expect(seat.complaints).toEqual([])
})
