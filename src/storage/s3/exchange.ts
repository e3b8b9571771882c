import { StorageError } from '../storage-error.ts'
import type { AnswerHead } from './answer-head.ts'
import type { AnswerSink } from './answer-parser.ts'
import { answerError, type FailedAnswer } from './errors.ts'
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
  #resolve: (length: number) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #head: AnswerHead | undefined
  #memory: PageMemory | undefined
  #length = 0
  #failedBody = ''

  constructor(target: string, text: string, takeMemory: () => PageMemory) {
    this.target = target
    this.text = text
    this.#takeMemory = takeMemory
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
    else this.#reject(answerError(failureOf(head, this.#failedBody), { op: 'list' }))
  }

  /** Nothing will come of it any more; the page memory belongs to somebody else from here on. */
  fail(error: unknown): void {
    this.#memory = undefined
    this.#reject(error)
  }
}

function tooLarge(): StorageError {
  const message = 'The storage’s listing is larger than any can be.'
  return new StorageError('invalid', message, { provider: 's3', op: 'list' })
}

/** What a failing answer may tell: its code and region, nothing else. One search behind the other, so that no body makes them take quadratic time. */
function failureOf({ status, region, requestId, retryAfter }: AnswerHead, body: string): FailedAnswer {
  const start = body.search(/<Error[\s>]/)
  const code = start === -1 ? undefined : /<Code>([^<]{1,64})<\/Code>/.exec(body.slice(start))?.[1]
  return {
    status,
    code,
    region: region ?? /<Region>([^<]{1,64})<\/Region>/.exec(body)?.[1],
    requestId,
    retryAfter,
    isStorageLike: code !== undefined || requestId !== undefined,
  }
}
