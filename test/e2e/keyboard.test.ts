// Proves that somebody without a mouse connects storage and works in the browser: by keys alone, with the focus always where one would look for it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { picture } from './files.ts'
import { type Keys, keysOf } from './keys.ts'
import { keepFailures, look } from './screens.ts'
import { openStage, owner, type Seat, type Stage } from './stage.ts'

let stage: Stage
let seat: Seat
let keys: Keys
beforeAll(async () => {
  stage = await openStage()
  const client = await stage.as(owner.email, owner.password)
  await client.createProject({ body: { name: 'Streets' } })
  const files = Array.from({ length: 40 }, async (_, number) => {
    const key = `photos/day ${number % 2}/${String(number).padStart(2, '0')}.jpg`
    return [key, await picture(number)] as const
  })
  await stage.bucket.putAll(new Map(await Promise.all(files)))
  seat = await stage.seat()
  keys = keysOf(seat.page)
})
afterAll(() => stage?.close())
keepFailures(() => seat?.page)

const dialog = (name: string | RegExp) => seat.page.getByRole('dialog', { name })
/** Chooses an option of the select that has the focus: opens it, and goes down until the option is the active one. */
async function choose(option: string | RegExp): Promise<void> {
  const { page } = seat
  await keys.press('ArrowDown')
  await page.getByRole('option', { name: option }).waitFor()
  const active = () =>
    page.evaluate(`(() => {
      const id = document.activeElement?.getAttribute('aria-activedescendant')
      const byId = id ? document.getElementById(id) : null
      return (byId ?? document.querySelector('[role="option"][data-combobox-selected]'))?.textContent ?? ''
    })()`) as Promise<string>
  const fits = (text: string) => (typeof option === 'string' ? text === option : option.test(text))
  for (let presses = 0; !fits(await active()); presses++) {
    if (presses === 40) throw new Error(`the arrows do not reach ${option}; the last was ${await active()}`)
    await keys.press('ArrowDown')
  }
  await keys.press('Enter')
}
/** Goes round with Tab: the focus never leaves an open dialog. */
async function expectTrapped(): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    await keys.press('Tab')
    expect(
      await seat.page.evaluate(`document.activeElement?.closest('[role="dialog"], [role="listbox"]') !== null`),
    ).toBe(true)
  }
}

test('the log-in', async () => {
  const { page } = seat
  await page.goto('/log-in')
  await page.getByLabel('E-mail address').waitFor()
  await keys.tabTo('E-mail address')
  await keys.type(owner.email)
  await keys.tabTo('Password')
  await keys.type(owner.password)
  await keys.press('Enter')
  await page.getByText('No dataset yet').waitFor()
})

test('the first Tab leads past the navigation', async () => {
  const { page } = seat
  await page.reload()
  await page.getByText('No dataset yet').waitFor()
  await keys.tabTo('Skip to the page')
  await look(page, 'keyboard-skip')
  await keys.press('Enter')
  await keys.tabTo('Refresh')
  await keys.tabTo('Add dataset')
})

test('the wizard: an integration', async () => {
  const { page } = seat
  await page.goto('/')
  await page.getByText('No dataset yet').waitFor()
  await keys.tabTo('Integrations')
  await keys.press('Enter')
  await page.getByText('No integration yet').waitFor()
  await keys.tabTo('New integration')
  await keys.press('Enter')
  await dialog('Connect storage').waitFor()
  await keys.awaitFocus('Name')
  await expectTrapped()
  await keys.press('Escape')
  await keys.awaitFocus('New integration')
  await keys.press('Enter')
  await keys.awaitFocus('Name')
  await keys.type('ceph keys')
  await keys.tabTo('Provider')
  await choose('AWS or S3-compatible')
  await keys.tabTo('Integration type')
  await choose(/access key/i)
  await keys.tabTo(/^Access key/i)
  await keys.type(stage.bucket.accessKey)
  await keys.tabTo(/^Secret/i)
  await keys.type(stage.bucket.secretKey)
  await look(page, 'keyboard-integration')
  await keys.tabTo('Create integration')
  await keys.press('Enter')
  await dialog('Connect storage').getByRole('button', { name: 'Create driver' }).waitFor()
})

test('the wizard: a storage driver, tried first', async () => {
  await keys.awaitFocus('Name')
  await keys.type('ceph bucket')
  await keys.tabTo('Bucket')
  await keys.type(stage.bucket.bucket)
  await keys.tabTo('Advanced settings')
  await keys.press('Enter')
  await keys.tabTo('Region')
  await keys.type(stage.bucket.region)
  await keys.tabTo('Endpoint')
  await keys.type(stage.bucket.endpoint)
  await keys.tabTo('Test connection')
  await keys.press('Space')
  await dialog('Connect storage').getByText('The storage allows everything that is needed').waitFor()
  await keys.tabTo('Create driver')
  await keys.press('Enter')
  await dialog('Connect storage').getByRole('button', { name: 'Create dataset' }).waitFor()
})

test('the wizard: a dataset, synced at once', async () => {
  const { page } = seat
  await keys.awaitFocus('Name')
  await keys.type('street scenes')
  await keys.press('Enter')
  await page.waitForURL(/\/datasets\/[0-9a-f]{24}/)
  await page
    .getByRole('navigation', { name: 'Folders' })
    .getByRole('button', { name: /^photos/ })
    .waitFor()
})

test('the browser: folders, with and without what is below', async () => {
  const { page } = seat
  await keys.tabTo(/^photos/)
  await keys.press('Enter')
  await page.waitForURL(/dir=%2Fphotos|dir=\/photos/)
  await keys.tabTo(/^day 1/)
  await keys.press('Enter')
  await page.getByText('20 items', { exact: true }).waitFor()
  await keys.tabTo(/^photos/, { back: true })
  await keys.press('Enter')
  await keys.tabTo('With folders below')
  await keys.press('Space')
  await page.getByText('40 items', { exact: true }).waitFor()
})

test('the browser: a filter, and taken away', async () => {
  const { page } = seat
  await keys.tabTo('Part of the name', { back: true })
  await keys.type('3')
  await page.getByText('13 items', { exact: true }).waitFor()
  await keys.tabTo('Filter')
  await keys.press('Enter')
  await page.getByRole('textbox', { name: 'Smallest size' }).waitFor()
  await keys.tabTo('Smallest size')
  await keys.type('9 GB')
  await page.getByText('Nothing matches').waitFor()
  await keys.press('Escape')
  await keys.awaitFocus('Filter')
  await keys.tabTo('Clear the filter')
  await keys.press('Enter')
  await page.getByText('40 items', { exact: true }).waitFor()
  // The button that was pressed is gone; the focus is not.
  await keys.tabTo('Filter', { back: true })
})

test('the browser: arrows among the items, one opened, its neighbours, and back', async () => {
  const { page } = seat
  await keys.tabTo('00.jpg')
  await keys.press('ArrowRight')
  const second = await keys.awaitFocus(/^\d\d\.jpg$/)
  expect(second.name).not.toBe('00.jpg')
  await keys.press('End')
  await keys.awaitFocus('39.jpg')
  await keys.press('Home')
  await keys.awaitFocus('00.jpg')
  await look(page, 'keyboard-item')
  await keys.press('Enter')
  await page.getByRole('img', { name: '00.jpg' }).waitFor()
  await page.getByText('1 of 40').waitFor()
  await keys.press('ArrowRight')
  await page.getByText('2 of 40').waitFor()
  await keys.press('ArrowLeft')
  await page.getByText('1 of 40').waitFor()
  await keys.press('Escape')
  await page.getByText('40 items', { exact: true }).waitFor()
})

test('the browser: several chosen, and the question before they are deleted', async () => {
  const { page } = seat
  await keys.tabTo('00.jpg')
  await keys.press('Space', 'ArrowRight')
  await keys.awaitFocus(/^(?!00)\d\d\.jpg$/)
  await keys.press('Control+Space')
  await page.getByText('2 chosen', { exact: true }).waitFor()
  await keys.press('Delete')
  await dialog('Delete 2 items?').waitFor()
  await expectTrapped()
  await look(page, 'keyboard-delete')
  await keys.press('Escape')
  await dialog('Delete 2 items?').waitFor({ state: 'detached' })
  await keys.awaitFocus(/^(?!00)\d\d\.jpg$/)
  await keys.press('Delete')
  await dialog('Delete 2 items?').waitFor()
  await keys.tabTo('Delete 2 items')
  await keys.press('Enter')
  await page.getByText('38 items', { exact: true }).waitFor()
  await keys.tabTo(/^\d\d\.jpg$/)
})

test('the bell and the account menu open, and give the focus back', async () => {
  const { page } = seat
  await keys.tabTo(/^Notifications/)
  await keys.press('Enter')
  await dialog('Notifications').waitFor()
  await keys.press('Escape')
  await dialog('Notifications').waitFor({ state: 'detached' })
  await keys.awaitFocus(/^Notifications/)
  await keys.tabTo('Account')
  await keys.press('Enter')
  await page.getByRole('menuitem', { name: 'Log out' }).waitFor()
  for (let presses = 0; (await keys.focused()).name !== 'Log out' && presses < 10; presses++)
    await keys.press('ArrowDown')
  await keys.awaitFocus('Log out')
  await keys.press('Enter')
  await page.getByRole('button', { name: 'Log in' }).waitFor()
})

test('nothing went wrong in the window meanwhile', () => {
  expect(seat.complaints).toEqual([])
})
