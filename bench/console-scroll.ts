import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import type { BrowseTree } from './browse-seed.ts'
import { addTasks, noTasks, type Tasks } from './console-trace.ts'
import { type Held, type Window, waitForItem } from './console-window.ts'
import { progress } from './report.ts'

/** How items are shown. */
export type View = 'gallery' | 'list'

/** Notches of a wheel, pixels of each, and milliseconds between two. */
const NOTCHES = 150
const NOTCH_PX = 120
const NOTCH_MS = 40
/** Places that a thumb of a scroll bar is at on its way from one end to the other, and milliseconds between two: half a minute, for which pages are kept. */
const STEPS = 500
const STEP_MS = 60
/** Pages are kept for half a minute after nobody looks at them; after this, what a scroll has left is gone. */
const FORGOTTEN_MS = 35_000
/** Between two looks at how much scripts hold, in milliseconds. */
const SAMPLE_MS = 500
/** Items that do not come so long after a scroll has ended are taken never to come, in milliseconds. */
const BLANK_MS = 20_000

/** What scrolling did to a page. */
export interface ScrollResult {
  readonly view: View
  /** Of the wheel and the dragging together. */
  readonly tasks: Tasks
  readonly before: Held
  /** At the end of each way through the whole; from the second on, all that is kept is there. */
  readonly ends: readonly Held[]
  /** Half a minute after the last. */
  readonly after: Held
  /** The most that scripts held at any time, garbage included. */
  readonly heapPeakMb: number
  readonly failures: number
  /** Pages of items asked for meanwhile, milliseconds each. */
  readonly queriesMs: readonly number[]
  /** From the arrival at an end of the whole to its items being shown, milliseconds each. */
  readonly bottomMs: readonly number[]
  /** Ends at which the right items did not come at all. */
  readonly blankEnds: number
}

/** Scrolls all items of a dataset, a while by the wheel, then `rounds` times from end to end as by dragging; checks that it shows the right ones. */
export async function scrollView(
  window: Window,
  what: { view: View; datasetId: string; tree: BrowseTree; rounds: number },
): Promise<ScrollResult> {
  const { page } = window
  const { view, datasetId, tree, rounds } = what
  await page.goto(`/datasets/${datasetId}?deep=true${view === 'gallery' ? '' : `&view=${view}`}`)
  if (!(await waitForItem(page, 0, tree.deepName(0)))) throw new Error(`the ${view} shows no items`)
  await page.evaluate(`window.scrolled = [...document.querySelectorAll('div')].find((element) =>
    element.scrollHeight > 5 * element.clientHeight && element.querySelector('[data-place]') !== null)`)
  window.queries.length = 0
  const before = await window.held()
  const peak = watchPeak(window)
  const ends: Held[] = []
  const bottomMs: number[] = []
  let tasks = noTasks
  let blankEnds = 0
  try {
    tasks = addTasks(tasks, await window.tasksOf(() => turnWheel(page)))
    for (let round = 0; round < rounds; round++) {
      // There and back, so that each way goes through everything.
      const isDown = round % 2 === 0
      const place = isDown ? tree.count - 1 : 0
      const name = isDown ? tree.flatName(tree.flatItems - 1) : tree.deepName(0)
      const done = await window.tasksOf(async () => {
        await drag(page, isDown)
        const arrived = performance.now()
        const isShown = await waitForItem(page, place, name, BLANK_MS)
        bottomMs.push(performance.now() - arrived)
        if (isShown) return
        blankEnds++
        progress(`${view}: ${name} did not come to be shown at the ${isDown ? 'bottom' : 'top'}`)
      })
      tasks = addTasks(tasks, done)
      ends.push(await window.held())
      progress(`${view}, way ${round + 1} of ${rounds}: ${told(done, ends.at(-1)!)}`)
    }
  } finally {
    peak.stop()
  }
  const queriesMs = [...window.queries]
  await sleep(FORGOTTEN_MS)
  const after = await window.held()
  for (const failure of window.failures.slice(0, 5)) progress(`failed: ${failure}`)
  progress(
    `${view}: before ${told(noTasks, before)}; half a minute after ${told(noTasks, after)}; peak ${peak.mb().toFixed(0)} MB`,
  )
  return {
    view,
    tasks,
    before,
    ends,
    after,
    heapPeakMb: peak.mb(),
    failures: window.failures.length,
    queriesMs,
    bottomMs,
    blankEnds,
  }
}

function told(tasks: Tasks, held: Held): string {
  const memory = `${held.heapMb.toFixed(1)} MB in scripts, ${held.nodes} nodes`
  if (tasks.count === 0) return memory
  return `${tasks.count} tasks, longest ${tasks.longestMs.toFixed(0)} ms by the clock and ${tasks.longestCpuMs.toFixed(0)} ms of processor time; ${memory}`
}

/** Real turns of the wheel over the middle of the items. */
async function turnWheel(page: Page): Promise<void> {
  const box = await page.evaluate<{ x: number; y: number }>(`(() => {
    const { left, top, width, height } = window.scrolled.getBoundingClientRect()
    return { x: left + width / 2, y: top + height / 2 }
  })()`)
  await page.mouse.move(box.x, box.y)
  for (let notch = 0; notch < NOTCHES; notch++) {
    await page.mouse.wheel(0, NOTCH_PX)
    await sleep(NOTCH_MS)
  }
  const isMoved = await page.evaluate<boolean>('window.scrolled.scrollTop > 0')
  if (!isMoved) throw new Error('the wheel has moved nothing')
}

/** Brings the scrolled element from one end to the other in steps, as dragging the thumb of its scroll bar does. */
async function drag(page: Page, isDown: boolean): Promise<void> {
  await page.evaluate(`(async () => {
    const element = window.scrolled
    const way = element.scrollHeight - element.clientHeight
    const start = element.scrollTop
    const end = ${isDown} ? way : 0
    for (let step = 1; step <= ${STEPS}; step++) {
      element.scrollTop = start + ((end - start) * step) / ${STEPS}
      await new Promise((resolve) => setTimeout(resolve, ${STEP_MS}))
    }
  })()`)
}

/** Looks now and then at how much scripts hold. */
function watchPeak(window: Window): { mb(): number; stop(): void } {
  let most = 0
  let isOver = false
  const look = async () => {
    while (!isOver) {
      most = Math.max(most, await window.heapMb())
      await sleep(SAMPLE_MS)
    }
  }
  // A window that is closed under it ends the benchmark by itself.
  look().catch(() => {})
  return { mb: () => most, stop: () => (isOver = true) }
}
