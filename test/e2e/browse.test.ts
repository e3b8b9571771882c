// Proves that a person who logs in finds a dataset, its folders and its files, and sees pictures and videos that come from the bucket itself.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { picture, recordVideo } from './files.ts'
import { keepFailures, look } from './screens.ts'
import { logIn, openStage, owner, type Seat, type Stage } from './stage.ts'
import { type Synced, syncBucket } from './synced.ts'

let stage: Stage
let seat: Seat
let synced: Synced
beforeAll(async () => {
  stage = await openStage()
  seat = await stage.seat()
  const files = new Map<string, Buffer>([
    ['videos/turning.webm', await recordVideo(seat.page)],
    ['notes/read me.txt', Buffer.from('Collected in November.\n')],
    ['notes/labels.json', Buffer.from('{"cat": 1}')],
  ])
  for (let number = 1; number <= 60; number++)
    files.set(`photos/day ${number % 3}/${number}.jpg`, await picture(number))
  files.set('at the root.jpg', await picture(99))
  await stage.bucket.putAll(files)
  synced = await syncBucket(stage)
})
afterAll(() => stage?.close())
keepFailures(() => seat?.page)

const count = (text: string) => seat.page.getByText(text, { exact: true })
const item = (name: string) => seat.page.getByRole('button', { name, exact: true })

test('a wrong password is told, and the right one leads to the datasets', async () => {
  const { page } = seat
  await page.goto('/')
  await page.getByLabel('E-mail address').fill(owner.email)
  await page.getByLabel(/^Password/).fill('not-the-password')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('alert').waitFor()
  await look(page, 'log-in-refused')
  await logIn(page, owner)
  await page.getByRole('heading', { name: 'Datasets' }).waitFor()
  expect(new URL(page.url()).pathname).toBe(`/projects/${synced.projectId}/datasets`)
  await page.getByRole('link', { name: 'street scenes' }).waitFor()
  await look(page, 'datasets')
})

test('a dataset opens with its folders and the files at its root', async () => {
  const { page } = seat
  await page.getByRole('link', { name: 'street scenes' }).click()
  await count('1 item').waitFor()
  await item('at the root.jpg').waitFor()
  await look(page, 'browser-root')
})

test('a folder shows what is in it, and with everything below it all of that', async () => {
  const { page } = seat
  const folders = page.getByRole('navigation', { name: 'Folders' })
  await folders.getByRole('button', { name: /^photos/ }).click()
  await page.getByRole('button', { name: 'Show what is below' }).click()
  await count('60 items').waitFor()
  expect(new URL(page.url()).searchParams.get('dir')).toBe('/photos')
  await look(page, 'browser-gallery')
  await folders.getByRole('button', { name: /^day 2/ }).click()
  await count('20 items').waitFor()
})

test('a filter stands in the address, so that whoever opens it sees the same', async () => {
  const { page } = seat
  await page.getByRole('textbox', { name: 'Part of the name' }).fill('1')
  await count('4 items').waitFor()
  await page.reload()
  await count('4 items').waitFor()
  await page.getByRole('textbox', { name: 'Part of the name' }).fill('no file is called so')
  await page.getByText('Nothing matches').waitFor()
  await look(page, 'browser-no-match')
  await page.getByRole('group', { name: 'Filter in force' }).getByRole('button', { name: 'Clear the filter' }).click()
  await count('20 items').waitFor()
})

test('small pictures and the picture itself come from the bucket’s host', async () => {
  const { page, answered } = seat
  await item('2.jpg').click()
  await page.getByRole('heading', { name: '2.jpg' }).waitFor()
  await look(page, 'browser-chosen')
  answered.length = 0
  await item('2.jpg').dblclick()
  const shown = page.getByRole('img', { name: '2.jpg' })
  await shown.waitFor()
  await expect.poll(() => shown.evaluate((image) => Reflect.get(image, 'naturalWidth'))).toBe(320)
  expect(bytesOf('photos/day 2/2.jpg')).toEqual([{ origin: stage.bucket.origin, status: 200, type: 'image/jpeg' }])
  const streams = answered.filter(({ path }) => path.endsWith('/stream'))
  expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([307]))
  await look(page, 'viewer-image')
})

test('a video plays, and can be sought in, from the bucket’s host', async () => {
  const { page, answered } = seat
  const { datasetId } = synced
  answered.length = 0
  await page.goto(`/datasets/${datasetId}?dir=/videos`)
  await item('turning.webm').dblclick()
  const video = page.locator('video')
  await video.waitFor()
  await expect.poll(() => video.evaluate((element) => Reflect.get(element, 'readyState'))).toBeGreaterThanOrEqual(2)
  await video.evaluate((element) => Reflect.set(element, 'currentTime', 0.4))
  await expect.poll(() => video.evaluate((element) => Reflect.get(element, 'seeking'))).toBe(false)
  const answers = bytesOf('videos/turning.webm')
  expect(new Set(answers.map(({ origin }) => origin))).toEqual(new Set([stage.bucket.origin]))
  expect(answers.every(({ status }) => status === 206 || status === 200)).toBe(true)
  await look(page, 'viewer-video')
})

test('nothing went wrong in the window meanwhile', () => {
  expect(seat.complaints).toEqual([])
})

/** The answers that carried an object of the bucket. */
function bytesOf(key: string) {
  const path = `/${stage.bucket.bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
  return seat.answered
    .filter((each) => each.path === path)
    .map(({ origin, status, type }) => ({ origin, status, type }))
}
