// Proves that an owner adds somebody, hands them a link, and that they get in with a password of their own.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keepFailures, look } from './screens.ts'
import { logIn, openStage, type Seat, type Stage, owner as theOwner } from './stage.ts'

let stage: Stage
let owner: Seat
let guest: Seat
beforeAll(async () => {
  stage = await openStage()
  owner = await stage.seat()
  guest = await stage.seat()
})
afterAll(() => stage?.close())
keepFailures(() => guest?.page)

test('who was added sets a password through the link, and is in', async () => {
  const { page } = owner
  await logIn(page, theOwner)
  await page.getByRole('link', { name: 'Members' }).click()
  await page.getByRole('button', { name: 'Add people' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('E-mail addresses').fill('ann@example.com')
  await look(page, 'members-add')
  await dialog.getByRole('button', { name: 'Add people' }).click()
  const row = page.getByRole('row').filter({ hasText: 'ann@example.com' })
  await row.getByText('no password yet').waitFor()
  await look(page, 'members')
  await row.getByRole('button', { name: 'Invitation link' }).click()
  await page.getByRole('button', { name: 'Make the link' }).click()
  const link = await page.getByRole('dialog').locator('code').textContent()
  expect(new URL(link!).origin).toBe(new URL(stage.url).origin)
  await look(page, 'invitation-link')

  await guest.page.goto(link!)
  await guest.page.getByText('Somebody added you').waitFor()
  await look(guest.page, 'invitation')
  await guest.page.locator('input[type=password]').fill('password of Ann')
  await guest.page.getByRole('button', { name: 'Set the password' }).click()
  await guest.page.getByRole('button', { name: 'Account' }).waitFor()

  await page.reload()
  await row.waitFor()
  expect(await row.getByText('no password yet').count()).toBe(0)
})

test('the link works once', async () => {
  const { page } = guest
  const client = await stage.as(theOwner.email, theOwner.password)
  const [before] = await client.listOrgs()
  expect(before!.members.find(({ email }) => email === 'ann@example.com')).toMatchObject({ isInvited: false })
  await page.goto(`${stage.url}/invitation#token=used`)
  await page.locator('input[type=password]').fill('another password')
  await page.getByRole('button', { name: 'Set the password' }).click()
  await page.getByText('The invitation link is wrong, was used, or is older than seven days').waitFor()
  await look(page, 'invitation-refused')
})
