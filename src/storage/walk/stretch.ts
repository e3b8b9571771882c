import type { Terrain } from './terrain.ts'
import type { WalkRange } from './walk.ts'

/** Pages a stretch without marks must have given before anybody asks how it goes on; doubled whenever that was of no use. */
const PAGES_BEFORE_LOOKING = 2
const PAGES_BEFORE_LOOKING_MAX = 64
/** So many times the keys of other marks are far more. */
const LONGER = 1.5
/** Pages that must be left, the one under way included, so that a part is worth a request and the half page that its border costs. */
const PAGES_WORTH_CUTTING = 3

/** How many keys there are between two marks, as learned by all stretches that were cut at the same kind of marks. */
export class Grain {
  /** Marks whose end was reached, and the keys behind them. */
  marks: number
  keys: number

  constructor(keys = 0, marks = 0) {
    this.keys = keys
    this.marks = marks
  }

  /** Keys a mark; `inMark` have been met behind one whose end was not reached yet. */
  perMark(inMark: number): number {
    return this.marks === 0 ? inMark : this.keys / this.marks
  }
}

/**
 * A range while it is listed, with an estimate of how much is left of it.
 *
 * The estimate takes every mark to have as many keys behind it as the others of its kind; behind one that has had more already, as much
 * again is expected. Estimates decide who is helped, never what is listed.
 */
export class Stretch {
  readonly range: WalkRange
  /** Behind this is likely nothing, although the range goes on; null where nobody knows. */
  end: Buffer | null
  /** Whether names are likely to go on as they were seen, so that marks may be guessed. */
  isRegular: boolean
  /** Somebody is asking how it goes on. */
  isLookedAt = false
  /** Whose part was taken, to tell it how useful that was. */
  readonly victim: Stretch | null
  /** Keys still to come, by estimate, the page under way included. */
  left = 0
  #grain: Grain
  /** The last mark that was passed, and keys listed since. */
  #mark: Buffer
  #inMark = 0
  /** Pages since that mark. */
  #pages = 0
  #pagesWanted = PAGES_BEFORE_LOOKING

  constructor(range: WalkRange, grain: Grain, victim: Stretch | null = null) {
    this.range = range
    this.victim = victim
    this.end = victim?.end ?? null
    this.isRegular = victim?.isRegular ?? false
    this.#grain = grain
    this.#mark = range.cursor
  }

  /** A part that is cut off its end; with marks of another kind, if they are. */
  part(range: WalkRange, grain: Grain = this.#grain): Stretch {
    return new Stretch(range, grain, this)
  }

  /** Where the keys end, as far as is known. */
  get likelyEnd(): Buffer | null {
    const { to } = this.range
    if (this.end === null || to === null) return this.end ?? to
    return this.end.compare(to) < 0 ? this.end : to
  }

  /** Counts a page that was listed up to the range's cursor. */
  page(count: number, terrain: Terrain): void {
    const { cursor, isDone } = this.range
    this.#pages++
    this.#inMark += count
    const passed = terrain.count(this.#mark, cursor) + (isDone ? 1 : 0)
    if (passed > 0) {
      const rest = isDone ? 0 : count / (passed + 1)
      this.#grain.keys += this.#inMark - rest
      this.#grain.marks += passed
      this.#mark = cursor
      this.#inMark = rest
      this.#pages = 0
    }
    this.estimate(terrain)
  }

  /** Whether the mark that is being listed has far more keys than others, so that nobody knows how long it goes on. */
  get isLonger(): boolean {
    return this.#grain.marks === 0 || this.#inMark > LONGER * this.#grain.perMark(this.#inMark)
  }

  /** Works out anew how much is left; after a page, and after marks or ends have changed. */
  estimate(terrain: Terrain): void {
    const ahead = terrain.count(this.range.cursor, this.likelyEnd)
    const perMark = this.#grain.perMark(this.#inMark)
    const inThis = this.isLonger ? this.#inMark : Math.max(0, perMark - this.#inMark)
    this.left = inThis + perMark * ahead
  }

  /** Marks have been added inside what this stretch is listing: they are of another kind than those before. */
  refined(terrain: Terrain): void {
    const { cursor } = this.range
    const passed = terrain.count(this.#mark, cursor)
    const rest = this.#inMark / (passed + 1)
    this.#grain = new Grain(this.#inMark - rest, passed)
    this.#mark = cursor
    this.#inMark = rest
    this.#pages = 0
    this.estimate(terrain)
  }

  /** Whether a part of it may be given away. */
  isWorthCutting(pageKeys: number): boolean {
    return this.left >= PAGES_WORTH_CUTTING * pageKeys
  }

  /** Where to cut it into so many parts, each behind what is under way already; nothing when no marks tell. */
  cuts(terrain: Terrain, pageKeys: number, partsMax: number): Buffer[] {
    const parts = Math.min(partsMax, Math.floor((2 * this.left) / (PAGES_WORTH_CUTTING * pageKeys)))
    const skipped = Math.floor(pageKeys / Math.max(1, this.#grain.perMark(this.#inMark)))
    const underWay = terrain.mark(this.range.cursor, this.likelyEnd, skipped)
    if (parts < 2 || underWay === null) return []
    return terrain.borders(underWay, this.likelyEnd, parts - 1)
  }

  /** Whether it has gone on long enough without a mark to ask how it goes on. */
  get wantsLook(): boolean {
    return !this.isLookedAt && this.#pages >= this.#pagesWanted
  }

  /** A look or a part was of use or not; if not, ask later and trust less. */
  learn(wasUseful: boolean): void {
    if (wasUseful) {
      this.#pagesWanted = PAGES_BEFORE_LOOKING
      return
    }
    this.#pages = 0
    this.#pagesWanted = Math.min(PAGES_BEFORE_LOOKING_MAX, this.#pagesWanted * 2)
    this.isRegular = false
  }
}
