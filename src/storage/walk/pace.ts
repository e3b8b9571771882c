/** Requests at once to begin with; doubles with every round trip until something pushes back. */
const FIRST = 4
/** Requests at once that a consumer which is always behind still gets: less, and the next batch is not ready when the last one is sent. */
const LEAST_PRESSED = 8

/** Growth of the shortest round trip by page, so that one lucky answer is forgotten after some hundred pages. */
const FORGETTING = 1.005
/** Round trips from which on an answer has waited behind others. */
const QUEUEING = 2
/** Round trips a page may wait. */
const PATIENCE = 3

/**
 * Decides how many listing requests go out at once, as TCP decides its window: double until the consumer or the storage pushes back, then
 * less by a share, then one more a round trip.
 *
 * More connections than the consumer can take are not free: their pages lie in memory and their rows reach the index in many places at
 * once. On a loopback bucket 64 connections synced 1 M objects at 106 k/s in 348 MB, 4 connections at 198 k/s in 275 MB; at 60 ms a request the
 * listing needs more than 16.
 */
export class Pace {
  readonly #most: number
  #width: number
  #isDoubling = true
  #roundTripMs = Number.MAX_VALUE
  #pagesSinceLess = 0

  constructor(most: number) {
    this.#most = most
    this.#width = Math.min(FIRST, most)
  }

  /** Requests that may be under way. */
  get limit(): number {
    return Math.floor(this.#width)
  }

  /**
   * A page was taken: it was under way for `tookMs`, and then waited for the consumer for `waitedMs`. Waiting for about a round trip evens out
   * bursts; waiting longer means that the page was asked for too early. The round trip is the shortest of late: what requests take when many
   * of ours wait for each other says nothing about the storage.
   */
  page(tookMs: number, waitedMs: number): void {
    this.#pagesSinceLess++
    this.#roundTripMs = Math.min(this.#roundTripMs * FORGETTING, tookMs)
    // Answers that take twice as long as they did: ours wait for each other, and more would only lie in memory.
    if (tookMs > QUEUEING * this.#roundTripMs) this.#isDoubling = false
    if (waitedMs <= PATIENCE * this.#roundTripMs) {
      this.#width = Math.min(this.#most, this.#width + (this.#isDoubling ? 1 : 1 / this.#width))
      return
    }
    this.#isDoubling = false
    // Once a round trip: the pages that are under way will be pressed as well, and say nothing new.
    if (this.#pagesSinceLess < this.#width) return
    this.#pagesSinceLess = 0
    this.#width = Math.max(Math.min(LEAST_PRESSED, this.#most), this.#width * 0.75)
  }

  /** The storage asked to slow down. */
  throttled(): void {
    this.#isDoubling = false
    this.#pagesSinceLess = 0
    this.#width = Math.max(1, this.#width / 2)
  }
}
