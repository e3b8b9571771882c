import { etagAt, modifiedAt, type ObjectFacts, sizeAt } from './entry.ts'
import { type Layout, mix } from './layouts.ts'

/** How the changes of one generation lie in the key space: in a few runs of neighbours, or everywhere. */
export type ChangeKind = 'clustered' | 'spread'

/** The step from one generation of a bucket to the next; `share` of its objects are touched, 0 to 1. */
export interface Change {
  readonly kind: ChangeKind
  readonly share: number
}

/** The version of a key that is not there. */
export const ABSENT = -1

/** Runs of neighbours that a clustered change is made of: some folders uploaded again here, some there. */
export const runsPerChange = 10
/** Ends the keys that come in later; sorts them right behind the keys they are made from, as a file of notes beside each file would. */
const laterEnding = '.json'

/**
 * The objects of a replayed bucket: which keys there are, and in which version each is, at the present generation.
 *
 * Nothing is held in memory but the list of changes: what became of a key follows from its place and from the changes so far, so that
 * the server, and whoever checks what was made of its listings, know the same truth without telling each other. Of the touched objects eight in ten are
 * overwritten, one is removed, and beside one a new one appears; a removed one comes back when it is touched again.
 */
export class Bucket {
  /** Every key that may ever be there, in order. A key's place in it is its slot. */
  readonly keys: Layout
  /** Objects of generation 0. */
  readonly objects: number
  /** 2 where a new object may appear beside each of the first ones, in the slot behind it; else 1. */
  readonly slotsPerObject: 1 | 2
  readonly #changes: Change[] = []

  /** `isChanging` makes room for changes; the keys of generation 0 are those of the layout either way. */
  constructor(layout: Layout, isChanging = false) {
    this.objects = layout.count
    this.slotsPerObject = isChanging ? 2 : 1
    this.keys = isChanging ? withRoom(layout) : layout
  }

  /** Number of changes so far. */
  get generation(): number {
    return this.#changes.length
  }

  /** Goes on to the next generation. */
  change(change: Change): void {
    if (this.slotsPerObject === 1) throw new Error('this bucket does not change')
    this.#changes.push(change)
  }

  /** The generation that wrote a slot's object last, 0 for an object of the beginning; `ABSENT` where there is none. */
  versionAt(slot: number, generation = this.generation): number {
    const object = this.slotsPerObject === 1 ? slot : slot >> 1
    const isLater = this.slotsPerObject === 2 && (slot & 1) === 1
    for (let number = generation; number > 0; number--) {
      const fate = this.#fateOf(object, number)
      if (fate === 'kept' || isLater !== (fate === 'joined')) continue
      return fate === 'removed' ? ABSENT : number
    }
    return isLater ? ABSENT : 0
  }

  /** Whether the change that led to the present generation may have touched a slot; always false in generation 0. */
  isTouched(slot: number): boolean {
    return this.generation > 0 && this.#fateOf(slot >> 1, this.generation) !== 'kept'
  }

  /** What there is to say of a slot's object in a version. */
  factsOf(slot: number, version: number): ObjectFacts {
    // Objects that come later are others than all of the beginning.
    const index = this.slotsPerObject === 1 ? slot : (slot >> 1) + (slot & 1) * this.objects
    return {
      sizeBytes: sizeAt(index, version),
      etag: etagAt(index, version),
      modifiedMs: modifiedAt(index, version),
    }
  }

  #fateOf(object: number, number: number): 'kept' | 'written' | 'removed' | 'joined' {
    const { kind, share } = this.#changes[number - 1]!
    const isTouched =
      kind === 'spread' ? mix(object, 1_000 + number) < share * 2 ** 32 : this.#isInRun(object, number, share)
    if (!isTouched) return 'kept'
    const lot = mix(object, 2_000 + number) % 10
    if (lot === 0) return 'removed'
    return lot === 1 ? 'joined' : 'written'
  }

  /** The key space is cut in as many parts as there are runs; each part has its run somewhere. */
  #isInRun(object: number, number: number, share: number): boolean {
    const part = Math.floor((object * runsPerChange) / this.objects)
    const first = Math.ceil((part * this.objects) / runsPerChange)
    const length = Math.ceil(((part + 1) * this.objects) / runsPerChange) - first
    const touched = Math.round((this.objects * share) / runsPerChange)
    const start = first + (mix(part, 3_000 + number) % Math.max(1, length - touched + 1))
    return object >= start && object < start + touched
  }
}

/** The same keys, each followed by the key of an object that may come in later. */
function withRoom(layout: Layout): Layout {
  return {
    ...layout,
    count: layout.count * 2,
    keyAt: (slot) => layout.keyAt(slot >> 1) + ((slot & 1) === 1 ? laterEnding : ''),
  }
}
