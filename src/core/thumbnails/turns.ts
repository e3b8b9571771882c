import { AppError } from '#lib/app-error.ts'

/**
 * Lets few pieces of work run at once and some wait; who asks for the same thing as somebody before gets the same answer. One for a process.
 *
 * Throws `thumbnail.busy` when too many wait already: a page full of pictures asks for a hundred, a script for millions.
 */
export class Turns<T> {
  readonly #running = new Map<string, Promise<T>>()
  readonly #waiting: (() => void)[] = []
  readonly #limit: { readonly atOnce: number; readonly waitingMax: number }
  #free: number

  constructor(limit: { readonly atOnce: number; readonly waitingMax: number }) {
    this.#limit = limit
    this.#free = limit.atOnce
  }

  /** Runs `work` when it is its turn, or joins the run of the same `key`. */
  run(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#running.get(key)
    if (before !== undefined) return before
    if (this.#free === 0 && this.#waiting.length >= this.#limit.waitingMax)
      return Promise.reject(new AppError('thumbnail.busy'))
    const made = this.#take(work).finally(() => this.#running.delete(key))
    this.#running.set(key, made)
    return made
  }

  async #take(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((go) => this.#waiting.push(go))
    try {
      return await work()
    } finally {
      // A turn is handed over, not given back, so that nobody who comes later is quicker.
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}
