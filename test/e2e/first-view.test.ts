// Proves that little has to be fetched before the first view: scripts of at most 300 kB, zipped.
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { logIn, openStage, owner, type Seat, type Stage } from './stage.ts'
import { syncBucket } from './synced.ts'

const SCRIPT_BYTES_MAX = 300_000

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  await syncBucket(stage)
})
afterAll(() => stage?.close())

/** Scripts that a window without anything kept fetches until `arrived`, zipped as the server zips them. */
async function scriptBytes(visit: (page: Seat['page']) => Promise<void>): Promise<number> {
  const { page, leave } = await stage.seat()
  const bodies: Promise<Buffer>[] = []
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') bodies.push(response.body())
  })
  await visit(page)
  const sizes = (await Promise.all(bodies)).map((body) => gzipSync(body).length)
  await leave()
  return sizes.reduce((sum, size) => sum + size, 0)
}

test('the log-in', async () => {
  const bytes = await scriptBytes(async (page) => {
    await page.goto('/log-in')
    await page.getByRole('button', { name: 'Log in' }).waitFor()
  })
  expect(bytes).toBeGreaterThan(50_000)
  expect(bytes).toBeLessThanOrEqual(SCRIPT_BYTES_MAX)
})

test('the log-in and the datasets after it', async () => {
  const bytes = await scriptBytes(async (page) => {
    await logIn(page, owner)
    await page.getByRole('link', { name: 'street scenes' }).waitFor()
  })
  expect(bytes).toBeLessThanOrEqual(SCRIPT_BYTES_MAX)
})
