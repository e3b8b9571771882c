// A person without a mouse: presses keys, and knows only what has the focus.
import type { Page } from 'playwright-core'

/** What has the focus: its role and its name, as a screen reader would say them. */
export interface Focused {
  readonly role: string
  readonly name: string
}

/** Presses of Tab after which something is held to be out of reach. */
const TABS_MAX = 120

/** Keys on a page, and nothing else. */
export interface Keys {
  press(...keys: readonly string[]): Promise<void>
  type(text: string): Promise<void>
  /** What has the focus now; fails when it is nothing that a person could see. */
  focused(): Promise<Focused>
  /** Presses Tab until what has the focus is called so; tells all that had it when nothing is. `back`: with Shift. */
  tabTo(name: string | RegExp, options?: { readonly back?: boolean }): Promise<Focused>
  /** Waits until what has the focus is called so. */
  awaitFocus(name: string | RegExp): Promise<Focused>
}

// Runs in the page: the name as far as the console gives names. A string, so that nothing of the test's own build is needed there.
const READ = `(() => {
  const element = document.activeElement
  if (element === null || element === document.body) return null
  const clean = (text) => (text ?? '').replaceAll(/\\s+/g, ' ').trim()
  const byId = (ids) => clean((ids ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' '))
  const label = clean([...(element.labels ?? [])].map((each) => each.textContent).join(' '))
  const name = clean(element.getAttribute('aria-label')) || byId(element.getAttribute('aria-labelledby')) || label || clean(element.textContent) || clean(element.getAttribute('title'))
  const implied = { BUTTON: 'button', A: 'link', SELECT: 'combobox', TEXTAREA: 'textbox', IFRAME: 'frame', VIDEO: 'video' }
  const inputs = { checkbox: 'checkbox', radio: 'radio', submit: 'button' }
  const role = element.getAttribute('role') ?? (element.tagName === 'INPUT' ? (inputs[element.type] ?? 'textbox') : (implied[element.tagName] ?? element.tagName.toLowerCase()))
  // A box that is drawn by its label is as large as that.
  const boxes = [element, ...(element.labels ?? []), element.parentElement].filter(Boolean).map((each) => each.getBoundingClientRect())
  const isSeen = boxes.some(({ width, height, bottom, right, top, left }) => width > 3 && height > 3 && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth)
  return { role, name, isSeen, outline: element.outerHTML.slice(0, 200) }
})()`

type Read = (Focused & { isSeen: boolean; outline: string }) | null

const fits = (wanted: string | RegExp, name: string) =>
  typeof wanted === 'string' ? name.replace(/ \*$/, '') === wanted : wanted.test(name)

/** The keys of a page. */
export function keysOf(page: Page): Keys {
  const read = () => page.evaluate(READ) as Promise<Read>
  const focused = async (): Promise<Focused> => {
    const found = await read()
    if (found === null) throw new Error('nothing has the focus')
    if (!found.isSeen) throw new Error(`what has the focus cannot be seen: ${found.outline}`)
    return found
  }
  return {
    focused,
    async press(...keys) {
      for (const key of keys) await page.keyboard.press(key)
    },
    type: (text) => page.keyboard.type(text),
    async tabTo(name, { back = false } = {}) {
      const passed: string[] = []
      for (let presses = 0; presses < TABS_MAX; presses++) {
        await page.keyboard.press(back ? 'Shift+Tab' : 'Tab')
        const found = await read()
        passed.push(found === null ? '(nothing)' : `${found.role} “${found.name.slice(0, 40)}”`)
        if (found !== null && fits(name, found.name)) return focused()
      }
      throw new Error(`Tab does not reach ${name}; these had the focus: ${passed.join(', ')}`)
    },
    async awaitFocus(name) {
      let last: Read = null
      for (const until = Date.now() + 30_000; Date.now() < until; ) {
        last = await read()
        // A dialog gives the focus in a timer, and may do so once more; what has it when the page is at rest keeps it.
        await page.evaluate('new Promise((done) => setTimeout(() => requestIdleCallback(done, { timeout: 2000 })))')
        const now = await read()
        if (last !== null && now?.name === last.name && fits(name, last.name)) return focused()
      }
      throw new Error(`${name} did not get the focus; it is at ${last === null ? 'nothing' : last.outline}`)
    },
  }
}
