// Looks at a page as people do: light and dark, wide and narrow; keeps the pictures, and asks axe what somebody could not read or reach.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { afterEach, expect } from 'vitest'

const folder = fileURLToPath(new URL('../../test-results/screens/', import.meta.url))
const WIDE = { width: 1440, height: 900 }
const NARROW = { width: 390, height: 844 }

/**
 * Keeps four pictures of what a page shows now, named `name-light-1440.png` and so on, and fails when axe finds something serious in any of them,
 * or when the page is wider than the window. The window is wide and light afterwards.
 */
export async function look(page: Page, name: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const found = new Map<string, string[]>()
  for (const size of [NARROW, WIDE]) {
    await page.setViewportSize(size)
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme })
      await settle(page)
      const place = `${name}-${colorScheme}-${size.width}`
      await page.screenshot({ path: join(folder, `${place}.png`), animations: 'disabled' })
      for (const complaint of await complaintsOf(page)) found.set(complaint, [...(found.get(complaint) ?? []), place])
    }
  }
  // Told all at once, and the test goes on: what is hard to read does not keep a page from working.
  const told = [...found].map(([complaint, places]) => `${places.join(', ')}: ${complaint}`)
  expect.soft(told).toEqual([])
}

/** Waits until pictures that are to be seen have come, and the page has been laid out for its new size. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`)
  await page.waitForFunction(`[...document.images].every((image) => image.complete || image.loading === 'lazy')`)
}

async function complaintsOf(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  const serious = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary} ${node.html}`),
    )
    .map((text) => text.replaceAll(/\s+/g, ' ').slice(0, 400))
  const overflow = (await page.evaluate(
    `document.documentElement.scrollWidth - document.documentElement.clientWidth`,
  )) as number
  return overflow > 0 ? [...serious, `the page is ${overflow} pixels wider than the window`] : serious
}

/** Keeps a picture of what a window shows when a test of the file fails, named `failed-` and the test's first words. */
export function keepFailures(pageOf: () => Page | undefined): void {
  afterEach(async ({ task }) => {
    const page = pageOf()
    if (task.result?.state !== 'fail' || page === undefined || page.isClosed()) return
    const name = task.name.replaceAll(/[^a-z0-9]+/gi, '-').slice(0, 60)
    await mkdir(folder, { recursive: true })
    await page.screenshot({ path: join(folder, `failed-${name}.png`) })
  })
}
