// Proves that pages that are full of something can be read and used in every light and size: storage, datasets, people, settings, files of every kind.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pdf, picture, tone } from './files.ts'
import { annotate, type Furniture, furnish, itemAt, makeOddFolder } from './furnish.ts'
import { keepFailures, look } from './screens.ts'
import { logIn, openStage, owner, type Seat, type Stage } from './stage.ts'
import { addSomebody, type Synced, syncBucket } from './synced.ts'

let folder: Awaited<ReturnType<typeof makeOddFolder>>
let stage: Stage
let seat: Seat
let synced: Synced
let furniture: Furniture
let developer: { email: string }
beforeAll(async () => {
  folder = await makeOddFolder()
  stage = await openStage({ env: { SLUICE_LOCAL_ROOTS: folder.path } })
  const files = new Map<string, Buffer>([
    ['notes/read me.txt', Buffer.from('Collected in November.\nThe second line.\n')],
    ['notes/labels.json', Buffer.from('{"cat": {"colour": "grey", "paws": [1, 2, 3, 4]}}')],
    ['notes/report.pdf', pdf('A report of one page')],
    ['notes/tone.wav', tone()],
    ['notes/points.bin', Buffer.from([0, 1, 2, 255, 254])],
  ])
  for (let number = 1; number <= 12; number++) files.set(`photos/${number}.jpg`, await picture(number))
  await stage.bucket.putAll(files)
  await stage.bucket.letPagesRead(stage.url)
  synced = await syncBucket(stage)
  furniture = await furnish(synced, folder.path)
  developer = await addSomebody(synced, 'engineer')
  await addSomebody(synced, 'annotator')
  seat = await stage.seat()
})
afterAll(async () => {
  await stage?.close()
  await folder?.remove()
})
keepFailures(() => seat?.page)

const main = () => seat.page.getByRole('main')
const dialog = (name?: string | RegExp) => seat.page.getByRole('dialog', { ...(name !== undefined && { name }) })
/** Chooses in the menu of a row. */
async function act(row: string, deed: string): Promise<void> {
  await seat.page.getByRole('button', { name: `What can be done with ${row}`, exact: true }).click()
  await seat.page.getByRole('menuitem', { name: deed, exact: true }).click()
}
/** Closes what is open and waits until it is gone. */
async function close(): Promise<void> {
  await seat.page.keyboard.press('Escape')
  await dialog().waitFor({ state: 'detached' })
}

test('the log-in, and an address that is no page', async () => {
  const { page } = seat
  await page.goto('/log-in')
  await page.getByLabel('E-mail address').waitFor()
  await look(page, 'log-in')
  await logIn(page, owner)
  await page.getByRole('link', { name: 'street scenes', exact: true }).waitFor()
  await page.goto('/no/such/page')
  await page.getByText('There is no such page').waitFor()
  await look(page, 'no-page')
  await page.getByRole('link', { name: 'To the datasets' }).click()
  await page.getByRole('heading', { name: 'Datasets' }).waitFor()
})

test('integrations: in rows, changed, deleted by name, and the secrets', async () => {
  const { page } = seat
  await page.goto(`/orgs/${furniture.orgId}/integrations`)
  await main().getByText('waiting for trust').waitFor()
  await look(page, 'integrations')
  await act('ceph keys', 'Edit')
  await dialog('Integration').getByText('Replace the credentials').waitFor()
  await look(page, 'integration-edit')
  await close()
  await act('partner account', 'Edit')
  await dialog('Integration').getByText('Principal to trust').waitFor()
  await look(page, 'integration-waiting')
  await close()
  await act('ceph keys', 'Delete')
  const asked = dialog(/^Delete the integration/)
  await asked.getByText('ceph bucket').waitFor()
  const deed = asked.getByRole('button', { name: 'Delete integration' })
  expect(await deed.isDisabled()).toBe(true)
  await asked.getByRole('checkbox').check()
  await asked.getByRole('textbox', { name: /^Type/ }).fill('ceph key')
  expect(await deed.isDisabled()).toBe(true)
  await asked.getByRole('textbox', { name: /^Type/ }).fill('ceph keys')
  expect(await deed.isEnabled()).toBe(true)
  await look(page, 'integration-delete')
  await close()
  await page.getByRole('tab', { name: 'Secrets' }).click()
  await main().getByText('labelling token').waitFor()
  await look(page, 'secrets')
  expect(await page.content()).not.toContain('a value that is sealed')
})

test('storage drivers: in rows, with every right that was tried', async () => {
  const { page } = seat
  await page.goto(`/projects/${synced.projectId}/drivers`)
  await main().getByText('scans on the server').waitFor()
  await look(page, 'drivers')
  await act('ceph bucket', 'Rights and details')
  await dialog('ceph bucket').getByText(stage.bucket.bucket).waitFor()
  await look(page, 'driver-details')
  await dialog('ceph bucket').getByRole('button', { name: 'Examine every right' }).click()
  await dialog('ceph bucket').getByText('The storage allows everything that is needed').waitFor()
  await look(page, 'driver-examined')
  await close()
  await act('ceph bucket', 'Edit')
  await dialog('Storage driver').getByRole('textbox', { name: 'Name' }).waitFor()
  await look(page, 'driver-edit')
  await close()
  await act('ceph bucket', 'Delete')
  await dialog(/^Delete the storage driver/)
    .getByText('delete those first')
    .waitFor()
  await look(page, 'driver-delete')
  await close()
})

test('datasets: of every kind and state', async () => {
  const { page } = seat
  await page.goto(`/projects/${synced.projectId}/datasets`)
  await main().getByText('street scenes, arranged').waitFor()
  await main().getByText('tried once').waitFor()
  await look(page, 'datasets-many')
  await act('street scenes', 'Delete')
  await dialog('Delete street scenes?')
    .getByText(/items? goe?s? along/)
    .waitFor()
  await look(page, 'dataset-delete')
  await close()
})

test('members: of the project and of the organization', async () => {
  const { page } = seat
  await page.goto(`/projects/${synced.projectId}/members`)
  const role = page.getByRole('combobox', { name: `Role of ${developer.email}` })
  await role.waitFor()
  await look(page, 'members-project')
  await role.click()
  await page.getByRole('option', { name: 'Annotation manager' }).click()
  await page.getByText(/is Annotation manager now/).waitFor()
  await look(page, 'member-changed')
  await page.getByRole('button', { name: 'Add people' }).click()
  await dialog('Add to Streets').getByRole('textbox').fill('lee@example.com, somebody')
  await dialog('Add to Streets').getByText('Not an e-mail address: somebody').waitFor()
  await look(page, 'member-add')
  await close()
  await page.getByRole('tab', { name: /^Organization/ }).click()
  await page.waitForURL(/\/orgs\/[^/]+\/members/)
  await main().getByText(owner.email).waitFor()
  await look(page, 'members-organization')
})

test('settings: of the project, the organization and the account', async () => {
  const { page } = seat
  await page.goto('/settings')
  await page.getByRole('textbox', { name: 'Name of the project' }).waitFor()
  await look(page, 'settings-project')
  await page.getByRole('button', { name: 'Delete project' }).click()
  await dialog(/^Delete the project/).waitFor()
  await look(page, 'project-delete')
  await close()
  await page.getByRole('tab', { name: 'Organization' }).click()
  await page.getByRole('textbox', { name: 'Limit' }).fill('100')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText(/of 100 used/).waitFor()
  await look(page, 'settings-organization')
  await page.getByRole('tab', { name: 'Your account' }).click()
  await page.getByRole('textbox', { name: 'What it is for' }).fill('nightly upload')
  await page.getByRole('button', { name: 'Make API key' }).click()
  await page.getByText('Copy it now').waitFor()
  await look(page, 'settings-account')
})

test('the browser in lines, its filter, and the view as a query', async () => {
  const { page } = seat
  for (const view of ['list', 'details']) {
    await page.goto(`/datasets/${synced.datasetId}?deep=true&view=${view}`)
    await page.getByRole('button', { name: '12.jpg' }).first().waitFor()
    await look(page, `browser-${view}`)
  }
  await page.goto(`/datasets/${synced.datasetId}?deep=true&type=image/&sizeMin=10&name=1`)
  await page.getByText('4 items', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Filter', exact: true }).click()
  await page.getByRole('textbox', { name: 'Smallest size' }).waitFor()
  await look(page, 'browser-filter')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'As a query' }).click()
  await dialog('As a query').getByText('"resource": "items"').waitFor()
  await look(page, 'browser-query')
  await close()
})

test('files of every kind', async () => {
  const { page } = seat
  const kinds = [
    ['read me.txt', 'viewer-text', () => page.getByText('The second line.')],
    ['labels.json', 'viewer-json', () => page.getByText('"colour": "grey"')],
    ['report.pdf', 'viewer-pdf', () => page.locator('iframe[title="report.pdf"]')],
    ['tone.wav', 'viewer-audio', () => page.locator('audio')],
    ['points.bin', 'viewer-unknown', () => page.getByText('A browser cannot show this kind of file')],
  ] as const
  for (const [name, screen, shown] of kinds) {
    await page.goto(`/items/${await itemAt(synced, synced.datasetId, `/notes/${name}`)}`)
    await page.getByRole('heading', { name }).waitFor()
    await shown().waitFor()
    await look(page, screen)
  }
})

test('annotations over their picture, and metadata that cannot be kept', async () => {
  const { page } = seat
  const itemId = await itemAt(synced, synced.datasetId, '/photos/3.jpg')
  await annotate(synced, itemId)
  await page.goto(`/items/${itemId}`)
  await page.getByRole('img', { name: '3.jpg' }).waitFor()
  await page.getByRole('checkbox', { name: 'Show label: lamp' }).waitFor()
  await look(page, 'viewer-annotations')
  await page.getByRole('tab', { name: 'Metadata' }).click()
  await page.getByRole('textbox', { name: 'User metadata' }).fill('{"weather": }')
  await page.getByText(/No valid JSON/).waitFor()
  await look(page, 'viewer-metadata-wrong')
  await page.getByRole('textbox', { name: 'User metadata' }).fill('{"weather": "rain"}')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Metadata saved.').waitFor()
  await look(page, 'viewer-metadata')
})

test('why a file is not here, and the files that cannot be items', async () => {
  const { page } = seat
  await page.goto(`/datasets/${synced.datasetId}/explain?key=${encodeURIComponent('photos/13.jpg')}`)
  await page.getByText('It is not here', { exact: true }).waitFor()
  await look(page, 'explain-absent')
  await page.getByRole('textbox', { name: 'File' }).fill('photos/3.jpg')
  await page.getByRole('button', { name: 'Look', exact: true }).click()
  await page.getByText('It is here', { exact: true }).waitFor()
  await look(page, 'explain-here')
  await page.goto(`/datasets/${furniture.oddDatasetId}/skipped`)
  await page.getByText('leads nowhere.txt').waitFor()
  await look(page, 'skipped-files')
})

test('nothing went wrong in the window meanwhile', () => {
  expect(seat.complaints).toEqual([])
})
