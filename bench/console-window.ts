import { access, constants } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core'
import sharp from 'sharp'
import { readTasks, type Tasks, type TraceEvent } from './console-trace.ts'

/** Where Debian’s Chromium is. */
const CHROMIUM = '/usr/bin/chromium'
/** A page that answers this late is taken to be broken, in milliseconds. */
const PATIENCE_MS = 60_000

/** Starts Chromium as the console’s tests do. Throws when it is not installed. */
export async function openChromium(): Promise<Browser> {
  await access(CHROMIUM, constants.X_OK).catch(() => {
    throw new Error(`Chromium is not installed: no ${CHROMIUM}. Install chromium.`)
  })
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']
  return await chromium.launch({ executablePath: CHROMIUM, args })
}

/** Memory of a page that is really in use: what its scripts hold after what is garbage was thrown away, and nodes of its documents. */
export interface Held {
  readonly heapMb: number
  readonly nodes: number
}

/** A window of the console, with nothing kept from an earlier one. */
export interface Window {
  readonly page: Page
  /** Pages of items that were answered: how long each took, in milliseconds. */
  readonly queries: number[]
  /** Requests that failed, other than those the console itself gave up because nobody looks any more. */
  readonly failures: string[]
  /** Scripts fetched so far, zipped, in bytes. */
  scriptBytes(): Promise<number>
  held(): Promise<Held>
  /** Megabytes that scripts hold now, garbage included. */
  heapMb(): Promise<number>
  /** The tasks of the page while something is done. */
  tasksOf(work: () => Promise<void>): Promise<Tasks>
  close(): Promise<void>
}

/** Opens a window on a server. Pictures are answered by the window itself, all the same one: the benchmark’s items have no bytes. */
export async function openWindow(browser: Browser, url: string): Promise<Window> {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1440, height: 900 }, locale: 'en-GB' })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const cdp = await context.newCDPSession(page)
  await givePictures(cdp)
  const queries: number[] = []
  const failures: string[] = []
  const scripts: Promise<Buffer>[] = []
  page.on('response', (response) => {
    const status = response.status()
    // That nobody is logged in yet is found out by asking.
    if (status >= 400 && status !== 401) failures.push(`${status} ${response.url()}`)
    if (response.request().resourceType() === 'script') scripts.push(response.body())
  })
  page.on('requestfailed', (request) => {
    const cause = request.failure()?.errorText ?? ''
    if (!cause.includes('ERR_ABORTED')) failures.push(`${cause} ${request.url()}`)
  })
  page.on('requestfinished', (request) => {
    if (request.url().endsWith('/query')) queries.push(request.timing().responseEnd)
  })
  page.on('pageerror', (error) => failures.push(error.message))
  const heapMb = async () => (await cdp.send('Runtime.getHeapUsage')).usedSize / 1_048_576
  return {
    page,
    queries,
    failures,
    async scriptBytes() {
      const bodies = await Promise.all(scripts)
      return bodies.reduce((sum, body) => sum + gzipSync(body).length, 0)
    },
    async held() {
      await cdp.send('HeapProfiler.collectGarbage')
      const { nodes } = await cdp.send('Memory.getDOMCounters')
      return { heapMb: await heapMb(), nodes }
    },
    heapMb,
    async tasksOf(work) {
      await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
      await work().catch(async (error) => {
        await browser.stopTracing()
        throw error
      })
      const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] }
      return readTasks(traceEvents)
    },
    close: () => context.close(),
  }
}

/** Only requests for pictures make the detour, so that nothing else that is timed pays for it. */
async function givePictures(cdp: CDPSession): Promise<void> {
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 30 }
  const picture = sharp({ create: { width: 256, height: 192, channels: 3, background: '#888', noise } }).jpeg()
  const body = (await picture.toBuffer()).toString('base64')
  const responseHeaders = [{ name: 'content-type', value: 'image/jpeg' }]
  cdp.on('Fetch.requestPaused', ({ requestId }) => {
    // The page may have given the picture up, or be gone.
    cdp.send('Fetch.fulfillRequest', { requestId, responseCode: 200, responseHeaders, body }).catch(() => {})
  })
  await cdp.send('Fetch.enable', { patterns: [{ urlPattern: '*/thumbnail*' }] })
}

/** Logs in by hand and waits for the page of datasets to show one. */
export async function logIn(
  { page }: Window,
  owner: { email: string; password: string },
  dataset: string,
): Promise<void> {
  await page.goto('/log-in')
  await page.getByLabel('E-mail address').fill(owner.email)
  await page.getByLabel(/^Password/).fill(owner.password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('link', { name: dataset, exact: true }).waitFor()
}

/** The script of a page that waits for an item to be shown at a place of the view. */
const isShownScript = `(place, name) =>
  [...document.querySelectorAll('[data-place="' + place + '"]')].some((element) => element.textContent.includes(name))`

/** Waits until the item of a name stands at a place of the view; answers whether it came within `patienceMs`. */
export function waitForItem(page: Page, place: number, name: string, patienceMs = PATIENCE_MS): Promise<boolean> {
  return page.evaluate<boolean>(`new Promise((resolve) => {
    const isShown = ${isShownScript}
    const until = performance.now() + ${patienceMs}
    const look = () => {
      if (isShown(${place}, ${JSON.stringify(name)})) resolve(true)
      else if (performance.now() > until) resolve(false)
      else requestAnimationFrame(look)
    }
    look()
  })`)
}

/**
 * Milliseconds from a click, as the page saw it come, to the frame after the one in which an item of a name stands at the first place. A click that a program
 * makes is waited for until its target rests, which is not the page’s time.
 */
export async function clickToItems(page: Page, name: string, click: () => Promise<void>): Promise<number> {
  const shown = page.evaluate<number>(`new Promise((resolve) => {
    let from
    document.addEventListener('click', (event) => { from ??= event.timeStamp }, { capture: true })
    const isShown = ${isShownScript}
    const look = () => {
      if (from !== undefined && isShown(0, ${JSON.stringify(name)}))
        requestAnimationFrame(() => resolve(performance.now() - from))
      else requestAnimationFrame(look)
    }
    look()
  })`)
  // Whichever fails first is told; the other must not go unheard.
  const [ms] = await Promise.all([shown, click()])
  return ms
}

/**
 * What the machine takes from a page that does nothing but count: the longest time in milliseconds that passed between two looks at the clock, within
 * two seconds of looking. What is measured beside it cannot be better than this.
 */
export async function longestStall(browser: Browser): Promise<number> {
  const page = await browser.newPage()
  const ms = await page.evaluate<number>(`(() => {
    const until = performance.now() + 2000
    let longest = 0
    for (let last = performance.now(); last < until; ) {
      const now = performance.now()
      if (now - last > longest) longest = now - last
      last = now
    }
    return longest
  })()`)
  await page.close()
  return ms
}
