// Proves what people do with a dataset once it is there: upload, clone, move in the clone, sync, clear what is gone, approve what a brake held.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ItemPage } from '#contract/items.ts'
import { picture } from './files.ts'
import { keepFailures, look } from './screens.ts'
import { logIn, openStage, owner, type Seat, type Stage } from './stage.ts'
import { type Synced, syncBucket } from './synced.ts'

const FILES = 120
const keyOf = (number: number) => `photos/${String(number).padStart(3, '0')}.jpg`

let stage: Stage
let seat: Seat
let synced: Synced
beforeAll(async () => {
  stage = await openStage()
  seat = await stage.seat()
  const pictures = await Promise.all(Array.from({ length: 4 }, (_, number) => picture(number)))
  const files = Array.from({ length: FILES }, (_, number) => [keyOf(number), pictures[number % 4]!] as const)
  await stage.bucket.putAll(new Map(files))
  synced = await syncBucket(stage)
  await logIn(seat.page, owner)
})
afterAll(() => stage?.close())
keepFailures(() => seat?.page)

const dialog = (name: string | RegExp) => seat.page.getByRole('dialog', { name })
const toasted = (text: string | RegExp) => seat.page.getByText(text).first().waitFor()
const pick = (name: string) => seat.page.getByRole('checkbox', { name: `Choose ${name}` }).check()
const browse = (datasetId: string, query = '') => seat.page.goto(`/datasets/${datasetId}${query}`)

test('an uploaded file is in the bucket, and an item at once', async () => {
  const { page } = seat
  await browse(synced.datasetId, '?dir=/photos')
  await page.getByText(`${FILES} items`, { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Upload' }).click()
  await look(page, 'upload')
  const file = { name: 'uploaded by hand.jpg', mimeType: 'image/jpeg', buffer: await picture(7) }
  await dialog('Upload').getByLabel('Choose files').setInputFiles(file)
  await dialog('Upload')
    .getByText(/^1 file,/)
    .waitFor()
  await dialog('Upload').getByRole('button', { name: 'Upload', exact: true }).click()
  await toasted('1 file uploaded')
  await page.getByText(`${FILES + 1} items`, { exact: true }).waitFor()
  await look(page, 'uploaded')
  expect(await stage.bucket.keys()).toContain('photos/uploaded by hand.jpg')
})

test('items of the mirror are not moved, and the reason is told', async () => {
  const { page } = seat
  await pick('000.jpg')
  const choice = page.getByRole('toolbar', { name: 'What is chosen' })
  expect(await choice.getByRole('button', { name: 'Move' }).isDisabled()).toBe(true)
  await choice
    .getByRole('note', { name: /their paths are the files’ keys/ })
    .first()
    .hover()
  await page.getByRole('tooltip').waitFor()
  await look(page, 'move-refused')
  await choice.getByRole('button', { name: 'Choose none' }).click()
  const found = await synced.client.queryItems({
    params: { datasetId: synced.datasetId },
    body: { resource: 'items', filter: { filename: '/photos/000.jpg' }, page: 0, pageSize: 1 },
  })
  const [item] = (found as ItemPage).items
  const move = synced.client.updateItem({ params: { itemId: item!.id }, body: { filename: '/elsewhere/000.jpg' } })
  await expect(move).rejects.toMatchObject({ status: expect.toSatisfy((status) => status === 400 || status === 409) })
})

test('a clone is arranged anew, and no file is touched', async () => {
  const { page } = seat
  const before = await stage.bucket.keys()
  await page.getByRole('button', { name: 'Clone', exact: true }).first().click()
  await look(page, 'clone')
  await dialog(/^Clone street scenes/)
    .getByRole('textbox', { name: 'Name of the new dataset' })
    .fill('arranged')
  await dialog(/^Clone street scenes/)
    .getByRole('button', { name: 'Clone', exact: true })
    .click()
  await toasted('The clone “arranged” is ready.')
  await page.waitForURL((at) => !at.pathname.includes(synced.datasetId))
  const cloneId = new URL(page.url()).pathname.split('/').at(-1)!
  expect(await page.getByRole('button', { name: 'Sync', exact: true }).count()).toBe(0)
  await browse(cloneId, '?dir=/photos')
  await pick('001.jpg')
  await pick('002.jpg')
  const choice = page.getByRole('toolbar', { name: 'What is chosen' })
  await choice.getByRole('button', { name: 'Move' }).click()
  await look(page, 'move')
  await dialog('Move 2 items').getByRole('textbox', { name: 'Folder' }).fill('/training')
  await dialog('Move 2 items').getByRole('button', { name: 'Move' }).click()
  await toasted('2 items were moved to /training.')
  await browse(cloneId, '?dir=/training')
  await page.getByText('2 items', { exact: true }).waitFor()
  await page.getByRole('button', { name: '001.jpg', exact: true }).waitFor()
  await look(page, 'clone-arranged')
  expect(await stage.bucket.keys()).toEqual(before)
})

/** Starts a sync by hand, as the browser page offers it. */
async function sync(name?: string): Promise<void> {
  const { page } = seat
  await browse(synced.datasetId, '?deep=true')
  await page.getByRole('button', { name: 'Sync', exact: true }).click()
  if (name !== undefined) await look(page, name)
  await dialog('Start the sync with the external storage?').getByRole('button', { name: 'Sync data' }).click()
}

test('a file that was deleted in the bucket is shown as missing after a sync, and can be cleared', async () => {
  const { page } = seat
  await stage.bucket.remove([keyOf(5)])
  await sync('sync-asked')
  await page.getByText('The file of 1 item is gone from the storage.').waitFor()
  await look(page, 'missing-told')
  await page.getByRole('button', { name: 'Show them' }).click()
  await page.getByText('1 item', { exact: true }).waitFor()
  await page.getByRole('button', { name: /005\.jpg/ }).dblclick()
  await page.getByText(/^Found to be gone on/).waitFor()
  await look(page, 'viewer-missing')
  await page.goBack()
  await page.getByRole('button', { name: 'Remove them …' }).click()
  await look(page, 'missing-clear')
  await dialog('Remove missing items?').getByRole('button', { name: 'Remove missing items' }).click()
  await toasted('1 missing item was removed.')
  await browse(synced.datasetId, '?dir=/photos')
  await page.getByText(`${FILES} items`, { exact: true }).waitFor()
})

test('a sync that finds many files gone waits, and marks them once that is approved', async () => {
  const { page } = seat
  await stage.bucket.remove(Array.from({ length: 70 }, (_, number) => keyOf(number + 20)))
  await sync()
  await page.getByRole('link', { name: 'The sync waits for somebody' }).click()
  await page.getByText('Many files are gone at once').waitFor()
  await look(page, 'sync-parked')
  const missing = async () => (await synced.client.countItems({ params: { datasetId: synced.datasetId } })).missing
  expect(await missing()).toBe(0)
  await page.getByRole('button', { name: 'Approve …' }).click()
  const approval = dialog('70 items will be marked as missing')
  expect(await approval.getByRole('button', { name: 'Approve' }).isDisabled()).toBe(true)
  await approval.getByRole('textbox', { name: /^Type/ }).fill('street scenes')
  await look(page, 'sync-approval')
  await approval.getByRole('button', { name: 'Approve' }).click()
  await expect.poll(missing, { timeout: 30_000 }).toBe(70)
  await look(page, 'sync-approved')
})

test('the pages of a dataset’s syncs', async () => {
  const { page } = seat
  const pages = ['syncs', 'sync-settings', 'skipped', 'removed', 'explain'] as const
  for (const name of pages) {
    await page.goto(`/datasets/${synced.datasetId}/${name}`)
    await page.getByRole('heading', { level: 2 }).first().waitFor()
    await page.getByRole('status', { name: 'Loading …' }).waitFor({ state: 'detached' })
    await look(page, `dataset-${name}`)
  }
})

test('what was done is told in the notifications', async () => {
  const { page } = seat
  await page.getByRole('button', { name: /^Notifications/ }).click()
  await dialog('Notifications').getByText('street scenes').first().waitFor()
  await look(page, 'bell')
  await page.goto('/notifications')
  await page.getByRole('heading', { name: 'Notifications' }).waitFor()
  await look(page, 'notifications')
})

test('nothing went wrong in the window meanwhile', () => {
  expect(seat.complaints).toEqual([])
})
