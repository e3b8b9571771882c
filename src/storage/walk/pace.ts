/** Requests at once to begin with; doubles with every round trip until something pushes back. */
const FIRST = 4
/**
 * Requests at once up to which doubling goes on whatever the answers take: each range waits until its page is committed, so fewer leave the database
 * idle (measured on a loopback bucket, where answers queue behind each other from the fifth on).
 */
const LEAST = 32
/** Growth of the shortest round trip by page, so that one lucky answer is forgotten after some thousand pages. */
const FORGETTING = 1.0005
/** Round trips from which on an answer has waited behind others. */
const QUEUEING = 2

/**
 * Decides how many listing requests may be under way or on their way into the database at once, as TCP decides its window: double until answers wait for
 * each other, from then on one more a round trip while they do not; half when the storage asks for less.
 *
 * What the consumer can take needs no rule: a range goes on when its page is taken, so there is never more than a page of each in memory.
 */
export class Pace {
  readonly #most: number
  #width: number
  #isDoubling = true
  #roundTripMs = Number.MAX_VALUE

  constructor(most: number) {
    this.#most = most
    this.#width = Math.min(FIRST, most)
  }

  /** Requests that may be under way. */
  get limit(): number {
    return Math.floor(this.#width)
  }

  /** A page came, after `tookMs`. The round trip is the shortest of late: what requests take that wait for each other says nothing about the storage. */
  page(tookMs: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs * FORGETTING, tookMs)
    const isQueueing = tookMs > QUEUEING * this.#roundTripMs
    // More would only lie in memory.
    if (isQueueing && this.#width >= LEAST) {
      this.#isDoubling = false
      return
    }
    this.#width = Math.min(this.#most, this.#width + (this.#isDoubling ? 1 : 1 / this.#width))
  }

  /** The storage asked to slow down. */
  throttled(): void {
    this.#isDoubling = false
    this.#width = Math.max(1, this.#width / 2)
  }
}
