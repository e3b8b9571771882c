import type { GlobTest } from './glob.ts'
import { RegexSet } from './regex.ts'

/** A test with the number of the rule it belongs to. */
export interface NumberedTest {
  readonly place: number
  readonly test: GlobTest
}

interface TextTest {
  readonly text: string
  readonly place: number
}

const NONE = Number.POSITIVE_INFINITY

/**
 * The tests of one list, sorted by what finding the first that holds costs: names, folders, whole paths and endings after the last dot by look-ups,
 * other beginnings and endings one by one, all regular expressions together.
 */
export class RuleList {
  #all = NONE
  readonly #paths = new Map<string, number>()
  readonly #names = new Map<string, number>()
  readonly #extensions = new Map<string, number>()
  readonly #suffixes: TextTest[] = []
  readonly #below: TextTest[] = []
  readonly #folders = new Map<string, number>()
  readonly #belowAny: { readonly start: string; readonly inner: string; readonly place: number }[] = []
  readonly #regexes: RegexSet | null

  constructor(tests: readonly NumberedTest[]) {
    const regexes: { source: string; place: number }[] = []
    for (const { test, place } of tests) {
      if (test.kind === 'regex') regexes.push({ source: test.source, place })
      else if (test.kind === 'all') this.#all = Math.min(this.#all, place)
      else this.#addText(test.kind, test.text, place)
    }
    this.#regexes = regexes.length === 0 ? null : new RegexSet(regexes)
  }

  #addText(kind: 'path' | 'name' | 'suffix' | 'below' | 'below-any', text: string, place: number): void {
    const keep = (map: Map<string, number>, key: string) => map.set(key, Math.min(place, map.get(key) ?? NONE))
    if (kind === 'path') keep(this.#paths, text)
    else if (kind === 'name') keep(this.#names, text)
    else if (kind === 'suffix' && text.lastIndexOf('.') === 0) keep(this.#extensions, text)
    else if (kind === 'suffix') this.#suffixes.push({ text, place })
    else if (kind === 'below') this.#below.push({ text: `${text}/`, place })
    else if (!text.includes('/')) keep(this.#folders, text)
    else this.#belowAny.push({ start: `${text}/`, inner: `/${text}/`, place })
  }

  /** The smallest number among the rules that hold for a path; Infinity when none does. */
  first(path: string): number {
    let first = this.#all
    if (this.#paths.size > 0) first = Math.min(first, this.#paths.get(path) ?? NONE)
    if (this.#names.size > 0) first = Math.min(first, this.#names.get(path.slice(path.lastIndexOf('/') + 1)) ?? NONE)
    if (this.#extensions.size > 0) {
      const dot = path.lastIndexOf('.')
      // A dot before the last slash gives a text with a slash, which is no ending in the table.
      if (dot >= 0) first = Math.min(first, this.#extensions.get(path.slice(dot)) ?? NONE)
    }
    for (const { text, place } of this.#suffixes) if (place < first && path.endsWith(text)) first = place
    for (const { text, place } of this.#below) if (place < first && path.startsWith(text)) first = place
    for (const { start, inner, place } of this.#belowAny)
      if (place < first && (path.startsWith(start) || path.includes(inner))) first = place
    if (this.#folders.size > 0) first = Math.min(first, this.#firstFolder(path))
    return this.#regexes === null || first === 0 ? first : Math.min(first, this.#regexes.first(path))
  }

  /** One look-up for each folder of the path, however many names there are. */
  #firstFolder(path: string): number {
    let first = NONE
    for (let start = 0, slash = path.indexOf('/'); slash >= 0; start = slash + 1, slash = path.indexOf('/', start))
      first = Math.min(first, this.#folders.get(path.slice(start, slash)) ?? NONE)
    return first
  }
}
