import { setTimeout as sleep } from 'node:timers/promises'
import type { Key, Storage } from './port.ts'
import { StorageError } from './storage-error.ts'

/** How `withRetry` tries again; every part has a value that suits a server. */
export interface RetryOptions {
  /** Tries of one call, the first included; 4 unless said. */
  readonly attemptsMax?: number
  /** Longest wait of one call in all, in milliseconds; 20,000 unless said. A Retry-After beyond it is not waited for. */
  readonly waitMsMax?: number
  /** Upper end of the first wait, doubled with every try; 100 ms unless said. */
  readonly firstWaitMs?: number
  /** Also `list`. Left out by default: the walk repeats pages itself, because it must see throttling to slow down, and one layer only may. */
  readonly includesList?: boolean
  /** Ends every wait, for the end of the process. */
  readonly signal?: AbortSignal
}

/** Retries may make up a tenth of the traffic over time (§2.5): every good call earns a tenth of one, and so many are there at first. */
const TOKENS_MAX = 50
const TOKENS_EARNED = 0.1

/**
 * Puts a storage behind one that tries again where that can help: throttled, unavailable and unreachable, with full jitter and Retry-After.
 *
 * Not repeated: a write whose body is a stream (it is used up) or which must find nothing there (it might find itself), a check (it must show the failure), and anything the caller aborted.
 */
export function withRetry(storage: Storage, options: RetryOptions = {}): Storage {
  const retry = new Retry(options)
  return {
    provider: storage.provider,
    can: storage.can,
    list: (query) =>
      options.includesList === true ? retry.run(() => storage.list(query), query.signal) : storage.list(query),
    stat: (key, o) => retry.run(() => storage.stat(key, o), o?.signal),
    read: (key, o) => retry.run(() => storage.read(key, o), o?.signal),
    write: (key, body, o) =>
      Buffer.isBuffer(body) && o.ifAbsent !== true
        ? retry.run(() => storage.write(key, body, o), o.signal)
        : storage.write(key, body, o),
    remove: (keys, o) => retry.run(() => storage.remove(keys, o), o?.signal),
    ...(storage.abandonUpload !== undefined && {
      abandonUpload: (key: Key, uploadId: string) => retry.run(() => storage.abandonUpload!(key, uploadId), undefined),
    }),
    signRead: (key, o) => storage.signRead(key, o),
    signWrite: (key, o) => storage.signWrite(key, o),
    check: (o) => storage.check(o),
    close: () => storage.close(),
  }
}

class Retry {
  readonly #options: RetryOptions
  #tokens = TOKENS_MAX

  constructor(options: RetryOptions) {
    this.#options = options
  }

  async run<T>(call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const { attemptsMax = 4, waitMsMax = 20_000, firstWaitMs = 100 } = this.#options
    let waitedMs = 0
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await call()
        this.#tokens = Math.min(TOKENS_MAX, this.#tokens + TOKENS_EARNED)
        return result
      } catch (error) {
        if (!(error instanceof StorageError) || !error.isTransient) throw error
        const waitMs = Math.max(error.facts.retryAfterMs ?? 0, Math.random() * firstWaitMs * 2 ** (attempt - 1))
        if (attempt >= attemptsMax || this.#tokens < 1 || waitedMs + waitMs > waitMsMax) throw error
        this.#tokens--
        waitedMs += waitMs
        await this.#wait(waitMs, signal, error)
      }
    }
  }

  async #wait(ms: number, signal: AbortSignal | undefined, error: StorageError): Promise<void> {
    const signals = [signal, this.#options.signal].filter((one) => one !== undefined)
    const ends = signals.length === 0 ? undefined : AbortSignal.any(signals)
    try {
      await sleep(ms, undefined, ends === undefined ? {} : { signal: ends })
    } catch {
      const { provider, op, key } = error.facts
      throw new StorageError('aborted', 'The work was stopped.', { provider, op, key })
    }
  }
}
