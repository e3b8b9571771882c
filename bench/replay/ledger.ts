import { ABSENT, type Bucket, type Change } from './bucket.ts'
import { type SetSum, SetSummer } from './entry.ts'

/** What one change did, in objects. */
export interface ChangeCounts {
  /** Objects whose key was never there before. */
  readonly added: number
  readonly changed: number
  readonly gone: number
  /** Objects whose key was there, was gone, and is there again. */
  readonly returned: number
}

/** The truth about a changing bucket, kept by whoever checks an index of it: what is there, and what was there once and is gone. */
export class BucketLedger {
  readonly #bucket: Bucket
  readonly #present = new SetSummer()
  readonly #gone = new SetSummer()

  /** `bucket` must be of the checker's own, at generation 0. */
  constructor(bucket: Bucket) {
    this.#bucket = bucket
    for (let slot = 0; slot < bucket.keys.count; slot += bucket.slotsPerObject)
      this.#count(this.#present, 'add', slot, 0)
  }

  /** The objects that are there. */
  get present(): SetSum {
    return this.#present.sum()
  }

  /** The objects that were there once and are not now, as they were last. */
  get gone(): SetSum {
    return this.#gone.sum()
  }

  /** Goes on to the next generation and says what that changed. */
  change(change: Change): ChangeCounts {
    const bucket = this.#bucket
    bucket.change(change)
    const counts = { added: 0, changed: 0, gone: 0, returned: 0 }
    for (let slot = 0; slot < bucket.keys.count; slot++) {
      if (!bucket.isTouched(slot)) continue
      const before = bucket.versionAt(slot, bucket.generation - 1)
      const now = bucket.versionAt(slot)
      if (before === now) continue
      if (before !== ABSENT) this.#count(this.#present, 'remove', slot, before)
      if (now === ABSENT) {
        this.#count(this.#gone, 'add', slot, before)
        counts.gone += 1
        continue
      }
      this.#count(this.#present, 'add', slot, now)
      const last = before === ABSENT ? this.#lastSeen(slot) : null
      if (last !== null) this.#count(this.#gone, 'remove', slot, last)
      counts[before !== ABSENT ? 'changed' : last === null ? 'added' : 'returned'] += 1
    }
    return counts
  }

  /** The version in which a slot's object was there last before the present generation; null when it never was. */
  #lastSeen(slot: number): number | null {
    for (let generation = this.#bucket.generation - 1; generation >= 0; generation--) {
      const version = this.#bucket.versionAt(slot, generation)
      if (version !== ABSENT) return version
    }
    return null
  }

  #count(summer: SetSummer, how: 'add' | 'remove', slot: number, version: number): void {
    const { sizeBytes, etag } = this.#bucket.factsOf(slot, version)
    summer[how](this.#bucket.keys.keyAt(slot), sizeBytes, etag)
  }
}
