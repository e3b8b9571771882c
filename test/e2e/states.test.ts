// Proves that every page says how things stand: loading, failed, refused, disconnected, waiting, stopped by the limit, gone; and that it recovers.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFakeSts } from '../fakes/sts.ts'
import { picture } from './files.ts'
import { itemAt } from './furnish.ts'
import { type Gate, openGate } from './gate.ts'
import { keepFailures, look } from './screens.ts'
import { logIn, openStage, owner, type Seat, type Stage } from './stage.ts'
import { addSomebody, type Synced, syncBucket, waitForSyncs } from './synced.ts'

const principal = 'arn:aws:iam::123456789012:user/sluice'
const role = 'arn:aws:iam::210987654321:role/footage'

let sts: Awaited<ReturnType<typeof startFakeSts>>
let gate: Gate
let stage: Stage
let seat: Seat
let synced: Synced
let orgId: string
beforeAll(async () => {
  sts = await startFakeSts({ users: { AKIASLUICE: { secret: 'secret of sluice', arn: principal } } })
  stage = await openStage({
    env: {
      SLUICE_AWS_PRINCIPAL_ARN: principal,
      SLUICE_AWS_PRINCIPAL_KEY: 'AKIASLUICE',
      SLUICE_AWS_PRINCIPAL_SECRET: 'secret of sluice',
      SLUICE_AWS_STS_ENDPOINT: sts.endpoint,
    },
  })
  gate = await openGate(stage.bucket.endpoint)
  const files = Array.from(
    { length: 12 },
    async (_, number) => [`photos/${number}.jpg`, await picture(number)] as const,
  )
  await stage.bucket.putAll(new Map(await Promise.all(files)))
  synced = await syncBucket(stage)
  orgId = (await synced.client.listOrgs())[0]!.id
  seat = await stage.seat()
  await logIn(seat.page, owner)
})
afterAll(async () => {
  await stage?.close()
  await gate?.close()
  await sts?.close()
})
keepFailures(() => seat?.page)

const dialog = (name: string | RegExp) => seat.page.getByRole('dialog', { name })
const browser = (datasetId = synced.datasetId) => `/datasets/${datasetId}?dir=/photos`
/** Pages with the path of the answer that they cannot do without, and something that is only there with it. */
const pages = (): readonly { name: string; at: string; asks: RegExp; shows: string | RegExp }[] => [
  {
    name: 'datasets',
    at: `/projects/${synced.projectId}/datasets`,
    asks: /^\/api\/v1\/datasets\/query$/,
    shows: 'street scenes',
  },
  { name: 'drivers', at: `/projects/${synced.projectId}/drivers`, asks: /^\/api\/v1\/drivers$/, shows: 'ceph bucket' },
  {
    name: 'integrations',
    at: `/orgs/${orgId}/integrations`,
    asks: /^\/api\/v1\/orgs\/\w+\/integrations$/,
    shows: 'ceph keys',
  },
  {
    name: 'members',
    at: `/projects/${synced.projectId}/members`,
    asks: /^\/api\/v1\/projects\/\w+\/members$/,
    shows: owner.email,
  },
  { name: 'browser', at: browser(), asks: /^\/api\/v1\/datasets\/\w+\/query$/, shows: '3.jpg' },
  {
    name: 'syncs',
    at: `/datasets/${synced.datasetId}/syncs`,
    asks: /^\/api\/v1\/datasets\/\w+\/syncs$/,
    shows: 'First sync',
  },
  { name: 'notifications', at: '/notifications', asks: /^\/api\/v1\/notifications$/, shows: 'street scenes' },
]
const looked = ['datasets', 'browser', 'syncs']

test('while an answer is on its way, rows stand in for it', async () => {
  const { page } = seat
  for (const { name, at, asks, shows } of pages()) {
    let release = () => {}
    const isReleased = new Promise<void>((done) => (release = done))
    await page.route(
      ({ pathname }) => asks.test(pathname),
      async (route) => {
        await isReleased
        await route.continue()
      },
    )
    await page.goto(at)
    await page.getByRole('main').getByRole('status', { name: 'Loading …' }).first().waitFor()
    if (looked.includes(name)) await look(page, `${name}-loading`)
    release()
    await page.getByRole('main').getByText(shows).first().waitFor()
    await page.unrouteAll({ behavior: 'ignoreErrors' })
  }
})

test('what failed is told with the id of the request, and works when it is tried again', async () => {
  const { page } = seat
  const problem = { message: 'Something went wrong in the server.', code: 'internal', status: 500, requestId: 'r-4711' }
  for (const { name, at, asks, shows } of pages()) {
    await page.route(
      ({ pathname }) => asks.test(pathname),
      (route) => route.fulfill({ status: 500, json: problem }),
    )
    await page.goto(at)
    const told = page.getByRole('main').getByRole('alert').filter({ hasText: 'That did not work' }).first()
    await told.waitFor()
    expect(await told.textContent()).toContain('Request r-4711')
    if (looked.includes(name)) await look(page, `${name}-failed`)
    await page.unrouteAll({ behavior: 'ignoreErrors' })
    await told.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('main').getByText(shows).first().waitFor()
  }
})

test('a page that cannot even begin says so, and begins when it is tried again', async () => {
  const { page } = seat
  const problem = { message: 'The database is being started.', code: 'internal', status: 500, requestId: 'r-4712' }
  await page.route('**/session/renew', (route) => route.fulfill({ status: 500, json: problem }))
  await page.goto(browser())
  await page.getByText('Request r-4712').waitFor()
  await look(page, 'start-failed')
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('button', { name: '3.jpg' }).waitFor()
})

test('a server that is away is told of, and what is shown is fresh once it is back', async () => {
  const { page } = seat
  await page.goto(browser())
  await page.getByRole('button', { name: '3.jpg' }).waitFor()
  const start = await stage.halt()
  await page.getByText('No connection').waitFor({ timeout: 60_000 })
  await look(page, 'server-away')
  await page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link', { name: 'Cloud Storage' }).click()
  await page.getByRole('main').getByText('That did not work').waitFor()
  await look(page, 'server-away-page')
  await start()
  await page.getByText('No connection').waitFor({ state: 'detached', timeout: 60_000 })
  // The code of the page was never fetched, so it is tried again by hand; what was asked of the API is asked anew unbidden.
  const again = page.getByRole('main').getByRole('button', { name: 'Try again' })
  const isThere = () => page.getByText('ceph bucket').isVisible()
  // So the button may go in the moment in which it would be pressed.
  await expect.poll(async () => (await isThere()) || again.click({ timeout: 1000 }).then(isThere, isThere)).toBe(true)
  synced = { ...synced, client: await stage.as(owner.email, owner.password) }
})

test('who has no right is told so on every page, and not by an empty one', async () => {
  const somebody = await addSomebody(synced, 'annotator')
  const other = await synced.client.createProject({ body: { name: 'Another' } })
  const theirs = { name: 'not for everybody', projects: [other.id], createDefaultRecipe: true }
  const { id: datasetId } = await synced.client.createDataset({ body: theirs })
  const { page, leave } = await stage.seat()
  await logIn(page, somebody)
  const refused = [
    [`/orgs/${orgId}/integrations`, 'integrations'],
    [`/datasets/${synced.datasetId}/sync-settings`, 'sync-settings'],
    [`/datasets/${datasetId}`, 'dataset'],
    [`/projects/${other.id}/members`, 'members'],
  ] as const
  for (const [at, name] of refused) {
    await page.goto(at)
    await page
      .getByRole('main')
      .getByText(/You do not have the right|Only developers and owners|It is not here/)
      .first()
      .waitFor()
    await look(page, `refused-${name}`)
  }
  await leave()
})

test('a sync that runs, one that is paused, and one that goes on', async () => {
  const { page } = seat
  const { client, projectId } = synced
  const { bucket, region } = stage.bucket
  const [integration] = await client.listIntegrations({ params: { orgId } })
  const driver = await client.createDriver({
    body: {
      name: 'gated bucket',
      type: 's3',
      integrationId: integration!.id,
      integrationType: 's3',
      metadata: { system: { projectId } },
      payload: { bucketName: bucket, endpoint: gate.endpoint, region, path: 'photos' },
      allowExternalDelete: false,
    },
  })
  const made = { name: 'slow scenes', projects: [projectId], driver: driver.id, sync: false, createDefaultRecipe: true }
  const { id: datasetId } = await client.createDataset({ body: made })
  await page.goto(`/datasets/${datasetId}`)
  await page.getByText('Never synced').first().waitFor()
  await look(page, 'browser-never-synced')
  gate.set('held')
  const command = await client.syncDataset({ params: { datasetId }, body: {} })
  await page.goto(`/datasets/${datasetId}/syncs/${command.id}`)
  await page.getByText('The bucket is being listed.').waitFor()
  await look(page, 'sync-running')
  // It is heard although the storage does not answer: the request is given up.
  await page.getByRole('button', { name: 'Pause' }).click()
  const goOn = page.getByRole('button', { name: 'Go on' })
  await goOn.waitFor()
  await look(page, 'sync-paused')
  gate.set('open')
  await goOn.click()
  await page.getByText('done', { exact: true }).waitFor()
  await look(page, 'sync-done')
})

test('credentials that work no more: the file, the sync and the driver say so, and all go on with better ones', async () => {
  const { page } = seat
  const { client, datasetId } = synced
  const integrations = await client.listIntegrations({ params: { orgId } })
  const { id: integrationId } = integrations.find(({ name }) => name === 'ceph keys')!
  const { accessKey, secretKey } = stage.bucket
  const giveSecret = (secret: string) =>
    client.updateIntegration({
      params: { orgId },
      body: { integrationId, credentials: { options: { key: accessKey, secret } } },
    })
  const itemId = await itemAt(synced, datasetId, '/photos/3.jpg')
  await giveSecret('not the secret of this key')
  await page.goto(`/items/${itemId}`)
  await page.getByText('The storage refuses to give this file').waitFor()
  await look(page, 'viewer-refused')
  const command = await client.syncDataset({ params: { datasetId }, body: {} })
  await page.goto(`/datasets/${datasetId}/syncs/${command.id}`)
  await page.getByText('The storage lets the sync in no more').waitFor()
  await look(page, 'sync-locked-out')
  await page.goto(`/projects/${synced.projectId}/drivers`)
  await page.getByRole('button', { name: 'What can be done with ceph bucket' }).click()
  await page.getByRole('menuitem', { name: 'Test', exact: true }).click()
  await dialog('ceph bucket').getByText('failed', { exact: true }).first().waitFor()
  await look(page, 'driver-failed')
  await giveSecret(secretKey)
  await dialog('ceph bucket').getByRole('button', { name: 'Examine every right' }).click()
  await dialog('ceph bucket').getByText('ready', { exact: true }).waitFor()
  await page.goto(`/datasets/${datasetId}/syncs/${command.id}`)
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByText('done', { exact: true }).waitFor()
  await page.goto(`/items/${itemId}`)
  await page.getByRole('img', { name: '3.jpg' }).waitFor()
})

test('the limit of data points stops a first sync, which works once it is raised', async () => {
  const { page } = seat
  const { client, projectId, driverId } = synced
  const { used } = await client.getDataPoints({ params: { orgId } })
  await client.setDataPoints({ params: { orgId }, body: { max: used + 3 } })
  const made = { name: 'too many', projects: [projectId], driver: driverId, sync: true, createDefaultRecipe: true }
  const { id: datasetId } = await client.createDataset({ body: made })
  const { commandId } = await waitForSyncs(client, datasetId)
  await page.goto(`/datasets/${datasetId}/syncs/${commandId}`)
  await page.getByText('quota.exceeded').waitFor()
  await look(page, 'sync-over-limit')
  await page.goto(`/datasets/${datasetId}`)
  await page.getByText('The last sync failed').waitFor()
  await look(page, 'browser-over-limit')
  // The wizard says so before anything is begun.
  await page.goto(`/projects/${projectId}/datasets`)
  await page.getByRole('button', { name: 'Add dataset' }).click()
  const drawer = dialog('Connect storage')
  await drawer.getByLabel('Name').fill('counted first')
  await drawer.getByRole('combobox', { name: 'Storage driver' }).click()
  await page.getByRole('option', { name: /^ceph bucket/ }).click()
  await drawer.getByRole('checkbox', { name: 'Count first, then ask' }).check()
  await drawer.getByRole('button', { name: 'Create dataset' }).click()
  await drawer.getByText('Not enough data points').first().waitFor()
  await look(page, 'wizard-over-limit')
  await page.goto(`/datasets/${datasetId}/syncs/${commandId}`)
  await page.getByRole('link', { name: 'To the data points' }).click()
  await page.getByRole('textbox', { name: 'Limit' }).fill('')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText(/used, no limit\./).waitFor()
  await client.syncDataset({ params: { datasetId }, body: {} })
  await page.goto(browser(datasetId))
  await page.getByText('12 items', { exact: true }).waitFor()
})

test('an account that does not trust the server yet: whom to trust, why not, and trusted', async () => {
  const { page } = seat
  await page.goto(`/orgs/${orgId}/integrations`)
  await page.getByRole('button', { name: 'New integration' }).click()
  const drawer = dialog('Connect storage')
  await drawer.getByLabel('Name').fill('partner account')
  for (const [label, option] of [
    ['Provider', 'AWS or S3-compatible'],
    ['Integration type', /cross-account/i],
  ] as const) {
    await drawer.getByRole('combobox', { name: label }).click()
    await page.getByRole('option', { name: option }).click()
  }
  await drawer.getByRole('button', { name: 'Create integration' }).click()
  await drawer.getByText(principal, { exact: true }).waitFor()
  await look(page, 'trust-waiting')
  await drawer.getByRole('textbox', { name: 'Role ARN' }).fill(role)
  await drawer.getByRole('button', { name: 'Save and verify' }).click()
  await expect.poll(() => sts.requests.length).toBeGreaterThan(0)
  await drawer.getByText('The role could not be assumed').first().waitFor()
  await look(page, 'trust-refused')
  const policy = (await drawer.getByRole('region', { name: 'Trust policy of your role' }).textContent())!
  sts.roles.set(role, JSON.parse(policy))
  await drawer.getByRole('button', { name: 'Check again' }).click()
  await drawer.getByText('Trust established').waitFor()
  await look(page, 'trust-established')
  expect(await drawer.getByRole('button', { name: 'On to the storage driver' }).isEnabled()).toBe(true)
})

test('storage whose integration was deleted is disconnected everywhere, until it gets another one', async () => {
  const { page } = seat
  const { client, datasetId, driverId } = synced
  const { accessKey, secretKey } = stage.bucket
  const itemId = await itemAt(synced, datasetId, '/photos/3.jpg')
  const integrations = await client.listIntegrations({ params: { orgId } })
  const { id: integrationId } = integrations.find(({ name }) => name === 'ceph keys')!
  await client.deleteIntegration({ params: { orgId, integrationId }, query: { force: 'true', confirm: 'true' } })
  await page.goto(`/projects/${synced.projectId}/drivers`)
  await page.getByRole('main').getByText('disconnected', { exact: true }).first().waitFor()
  await look(page, 'drivers-disconnected')
  await page.goto(`/projects/${synced.projectId}/datasets`)
  await page.getByRole('main').getByText('disconnected', { exact: true }).first().waitFor()
  await look(page, 'datasets-disconnected')
  await page.goto(browser())
  await page.getByRole('button', { name: '3.jpg' }).waitFor()
  await page.getByRole('button', { name: 'Sync', exact: true }).click()
  await dialog(/^Start the sync/).waitFor()
  await look(page, 'sync-disconnected')
  await page.keyboard.press('Escape')
  await page.goto(`/items/${itemId}`)
  await page.getByText('The storage is disconnected').waitFor()
  await look(page, 'viewer-disconnected')
  const options = { key: accessKey, secret: secretKey }
  const better = await client.createIntegration({ params: { orgId }, body: { name: 'new keys', type: 's3', options } })
  await client.updateDriver({ params: { driverId }, body: { integrationId: better.id } })
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('img', { name: '3.jpg' }).waitFor()
})

test('a dataset that was deleted: its address says so, and the list brings it back', async () => {
  const { page } = seat
  const { client, datasetId, projectId } = synced
  const targetDate = new Date(Date.now() + 7 * 86_400_000).toISOString()
  await client.deleteDataset({ params: { datasetId }, query: { targetDate } })
  await page.goto(`/datasets/${datasetId}`)
  await page.getByRole('main').getByRole('alert').waitFor()
  await look(page, 'dataset-deleted')
  await page.goto(`/projects/${projectId}/datasets`)
  await page.getByRole('button', { name: 'Restore' }).click()
  await page.getByText('“street scenes” was restored.').waitFor()
  await page.goto(browser())
  await page.getByRole('button', { name: '3.jpg' }).waitFor()
})

test('nothing went wrong in the window meanwhile', () => {
  // What was made to fail is told in the browser's own log too.
  const ours = /The database is being started|A part of the console could not be fetched/
  expect(seat.complaints.filter((complaint) => !ours.test(complaint))).toEqual([])
})
