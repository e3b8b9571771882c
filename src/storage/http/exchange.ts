import type { StorageError } from '../storage-error.ts'
import type { AnswerHead } from './answer-head.ts'
import type { AnswerSink } from './answer-parser.ts'
import { BadAnswer } from './failures.ts'
import type { PageMemory } from './page-memory.ts'
import type { Wire } from './wire.ts'

/** Largest listing answer that is read; a page of 1,000 of the longest keys, all escaped, is under 5 MiB. */
export const BODY_BYTES_MAX = 16 * 1024 * 1024
/** As much of a failing answer is read to find its code. */
export const ERROR_BODY_BYTES_MAX = 64 * 1024

/** What is told of a request to who listens on the diagnostics channels; the same object with the request and with its answer. */
export interface RequestNote {
  readonly method: 'GET'
  /** Encoded path and query, without credentials. */
  readonly target: string
}

/**
 * One request and what becomes of it: takes the answer's body into page memory, or a failing answer's to find out what it stands for.
 * For `http.ts`, which passes it to a connection (`wire.ts`).
 */
export class Exchange implements AnswerSink {
  readonly target: string
  /** The whole request, as it is sent. */
  readonly text: string
  /** Length of the answer's body in bytes, once it has been read. */
  readonly answered: Promise<number>
  /** The connection that carries it; undefined while it waits for one. */
  wire: Wire | undefined
  readonly #takeMemory: () => PageMemory
  readonly #explain: (head: AnswerHead, body: string) => StorageError
  #resolve: (length: number) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #head: AnswerHead | undefined
  #memory: PageMemory | undefined
  #length = 0
  #failedBody = ''

  constructor(
    target: string,
    text: string,
    takeMemory: () => PageMemory,
    explain: (head: AnswerHead, body: string) => StorageError,
  ) {
    this.target = target
    this.text = text
    this.#takeMemory = takeMemory
    this.#explain = explain
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  begin(head: AnswerHead): void {
    this.#head = head
    if (head.status !== 200) return
    const announced = head.bodyBytes ?? 0
    if (announced > BODY_BYTES_MAX) throw tooLarge()
    this.#memory = this.#takeMemory()
    this.#memory.reserveBody(announced, 0)
  }

  take(from: Buffer, start: number, end: number): boolean {
    const memory = this.#memory
    if (memory === undefined) {
      this.#failedBody += from.toString(
        'latin1',
        start,
        Math.min(end, start + ERROR_BODY_BYTES_MAX - this.#failedBody.length),
      )
      return this.#failedBody.length < ERROR_BODY_BYTES_MAX
    }
    const length = this.#length + end - start
    if (length > BODY_BYTES_MAX) throw tooLarge()
    memory.reserveBody(length, this.#length)
    from.copy(memory.body, this.#length, start, end)
    this.#length = length
    return true
  }

  /** The answer has been read to its end. */
  finish(): void {
    const head = this.#head!
    if (head.status === 200) this.#resolve(this.#length)
    else this.#reject(this.#explain(head, this.#failedBody))
  }

  /** Nothing will come of it any more; the page memory belongs to somebody else from here on. */
  fail(error: unknown): void {
    this.#memory = undefined
    this.#reject(error)
  }
}

function tooLarge(): BadAnswer {
  return new BadAnswer('The storage’s listing is larger than any can be.', 'invalid', 'AnswerTooLarge')
}
