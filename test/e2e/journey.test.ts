// Proves the whole way of somebody who has a bucket and no manual: set-up link, wizard, first sync, browsing, and what comes after.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { picture } from './files.ts'
import { keepFailures, look } from './screens.ts'
import { openStage, type Seat, type Stage } from './stage.ts'

const FILES = 5_000
const me = { email: 'dana@example.com', password: 'a-long-password' }

let stage: Stage
let seat: Seat
beforeAll(async () => {
  stage = await openStage({ isOwned: false })
  seat = await stage.seat()
  const pictures = await Promise.all(Array.from({ length: 20 }, (_, number) => picture(number)))
  const files = Array.from({ length: FILES }, (_, number) => {
    const folder = `camera ${number % 5}/hour ${number % 25}`
    return [`${folder}/${String(number).padStart(5, '0')}.jpg`, pictures[number % pictures.length]!] as const
  })
  await stage.bucket.putAll(new Map(files))
})
afterAll(() => stage?.close())
keepFailures(() => seat?.page)

test('the link of a fresh server makes its owner, who is logged in at once', async () => {
  const { page } = seat
  const link = /\S+\/setup#token=[\w-]+/.exec(stage.logs())?.[0]
  expect(link).toBeDefined()
  await page.goto('/setup')
  await page.getByText('This address lacks the token').waitFor()
  await look(page, 'set-up-without-token')
  await page.goto('about:blank')
  await page.goto(link!)
  await page.getByLabel('Name of the organization').waitFor()
  await look(page, 'set-up')
  await page.getByLabel('Name of the organization').fill('Acme')
  await page.getByLabel('E-mail address').fill(me.email)
  await page.getByLabel(/^Password/).fill(me.password)
  await page.getByRole('button', { name: 'Make the owner' }).click()
  await page.getByLabel('Name of the project').waitFor()
  await look(page, 'first-project')
  await page.getByLabel('Name of the project').fill('Streets')
  await page.getByRole('button', { name: 'Create project' }).click()
  await page.getByText('No dataset yet').waitFor()
  await look(page, 'datasets-empty')
})

test('the link works once', async () => {
  const other = await stage.seat()
  await other.page.goto('/setup')
  await other.page.getByText('This server has its owner already.').waitFor()
  await look(other.page, 'set-up-done')
  await other.leave()
})

test('the pages of a fresh project say what to do next', async () => {
  const { page } = seat
  const pages = [
    ['Cloud Storage', 'No storage driver yet', 'drivers-empty'],
    ['Integrations', 'No integration yet', 'integrations-empty'],
  ] as const
  for (const [link, words, name] of pages) {
    await page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link', { name: link }).click()
    await page.getByText(words).waitFor()
    await look(page, name)
  }
})

const drawer = () => seat.page.getByRole('dialog', { name: 'Connect storage' })

/** Chooses in one of Mantine's selects. */
async function choose(label: string, option: RegExp | string): Promise<void> {
  await drawer().getByRole('combobox', { name: label }).click()
  await seat.page.getByRole('option', { name: option }).click()
}

test('the wizard’s first step seals credentials', async () => {
  const { page } = seat
  await page.getByRole('button', { name: 'New integration' }).first().click()
  await drawer().waitFor()
  await look(page, 'wizard-integration')
  await drawer().getByLabel('Name').fill('ceph keys')
  await choose('Provider', 'AWS or S3-compatible')
  await choose('Integration type', /access key/i)
  await drawer()
    .getByLabel(/^Access key/i)
    .fill(stage.bucket.accessKey)
  await drawer()
    .getByLabel(/^Secret/i)
    .fill(stage.bucket.secretKey)
  await look(page, 'wizard-integration-filled')
  await drawer().getByRole('button', { name: 'Create integration' }).click()
  await drawer().getByRole('button', { name: 'Create driver' }).waitFor()
})

test('the second step tells what is wrong with a bucket, and connects one that is right', async () => {
  const { page } = seat
  await look(page, 'wizard-driver')
  await drawer().getByLabel('Name').fill('ceph bucket')
  await drawer().getByRole('textbox', { name: 'Bucket' }).fill('a-bucket-that-is-not-there')
  await drawer().getByRole('button', { name: 'Advanced settings' }).click()
  await drawer().getByRole('textbox', { name: 'Region' }).fill(stage.bucket.region)
  await drawer().getByRole('textbox', { name: 'Endpoint', exact: true }).fill(stage.bucket.endpoint)
  await drawer().getByRole('button', { name: 'Test connection' }).click()
  await drawer().getByText('There is no such bucket').waitFor()
  await look(page, 'wizard-driver-failed')
  await drawer().getByRole('textbox', { name: 'Bucket' }).fill(stage.bucket.bucket)
  await drawer().getByRole('button', { name: 'Test connection' }).click()
  await drawer().getByText('The storage allows everything that is needed').waitFor()
  await look(page, 'wizard-driver-passed')
  await drawer().getByRole('button', { name: 'Create driver' }).click()
  await drawer().getByRole('button', { name: 'Create dataset' }).waitFor()
})

test('the third step counts before it adds, then syncs while one looks', async () => {
  const { page } = seat
  await look(page, 'wizard-dataset')
  await drawer().getByLabel('Name').fill('street scenes')
  await drawer().getByRole('checkbox', { name: 'Count first, then ask' }).check()
  await drawer().getByRole('button', { name: 'Create dataset' }).click()
  await drawer()
    .getByText(/^Counted: 5,?000 files/)
    .waitFor()
  await look(page, 'wizard-counted')
  await drawer().getByRole('button', { name: 'Start the sync' }).click()
  await page.waitForURL(/\/datasets\/[0-9a-f]{24}/)
  await look(page, 'browser-syncing')
  const folders = page.getByRole('navigation', { name: 'Folders' })
  await folders.getByRole('button', { name: /^camera 0 ?1,?000/ }).waitFor()
})

test('no secret is in a page, an address or the log', async () => {
  const { page, answered } = seat
  const { secretKey } = stage.bucket
  expect(await page.content()).not.toContain(secretKey)
  expect(stage.logs()).not.toContain(secretKey)
  expect(answered.some(({ path }) => path.includes(secretKey))).toBe(false)
})

test('nothing went wrong in the window meanwhile', () => {
  expect(seat.complaints).toEqual([])
})
