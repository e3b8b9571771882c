import type { Clock } from '#lib/clock.ts'
import type { Key, Storage } from '#storage/port.ts'

/** Longest time for which an opened storage, and with it its credentials, is handed out again. */
export const OPEN_MS_MAX = 5 * 60_000
/** Most storages handed out at once; the one that was asked for longest ago goes first. */
export const OPEN_MAX = 64
/** How long a storage that is no longer handed out may rest before it is closed; a holder between two requests must not find it shut. */
export const REST_MS_MAX = 5 * 60_000
const SWEEP_MS = 30_000

interface Held {
  readonly owner: string
  readonly openedMs: number
  readonly opening: Promise<Storage>
  /** What callers get: the same storage, noting its use. */
  readonly shared: Promise<Storage>
  readonly use: Use
}

interface Use {
  lastMs: number
  running: number
}

/**
 * Opened storages of one process, by key.
 *
 * What was handed out may be in use for as long as a file streams or a slice of a sync runs, so dropping an entry does not close it: it is closed when
 * nothing runs on it and nobody has used it for a while.
 */
export class StorageCache {
  readonly #clock: Clock
  readonly #held = new Map<string, Held>()
  readonly #retired = new Set<Held>()
  #timer: NodeJS.Timeout | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The storage of this key, opened by `open` unless it is here; callers at the same time share one. Other keys of the same owner are dropped. */
  async get(owner: string, key: string, open: () => Promise<Storage>): Promise<Storage> {
    const nowMs = this.#clock.now()
    const known = this.#held.get(key)
    if (known !== undefined && nowMs - known.openedMs < OPEN_MS_MAX) {
      // Put again at the end: a Map keeps the order of insertion, so the first is always the one asked for longest ago.
      this.#held.delete(key)
      this.#held.set(key, known)
      known.use.lastMs = nowMs
      return known.shared
    }
    for (const [otherKey, other] of this.#held) if (other.owner === owner) this.#retire(otherKey, other)
    const use = { lastMs: nowMs, running: 0 }
    const opening = open()
    const shared = opening.then((storage) => this.#watched(storage, use))
    const held: Held = { owner, openedMs: nowMs, opening, shared, use }
    this.#held.set(key, held)
    while (this.#held.size > OPEN_MAX) this.#retire(...(this.#held.entries().next().value as [string, Held]))
    this.#startTimer()
    try {
      return await held.shared
    } catch (error) {
      // A failure is not kept: the next caller tries again.
      if (this.#held.get(key) === held) this.#held.delete(key)
      this.#retired.delete(held)
      throw error
    }
  }

  /** Drops what is too old and closes what rests; called by a timer. */
  async sweep(): Promise<void> {
    const nowMs = this.#clock.now()
    for (const [key, held] of this.#held) if (nowMs - held.openedMs >= OPEN_MS_MAX) this.#retire(key, held)
    const resting = [...this.#retired].filter(({ use }) => use.running === 0 && nowMs - use.lastMs >= REST_MS_MAX)
    for (const held of resting) this.#retired.delete(held)
    await closeAll(resting)
    if (this.#held.size === 0 && this.#retired.size === 0) this.#stopTimer()
  }

  /** Closes everything, in use or not. */
  async close(): Promise<void> {
    this.#stopTimer()
    const all = [...this.#held.values(), ...this.#retired]
    this.#held.clear()
    this.#retired.clear()
    await closeAll(all)
  }

  #retire(key: string, held: Held): void {
    this.#held.delete(key)
    this.#retired.add(held)
  }

  #startTimer(): void {
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => void this.sweep(), SWEEP_MS)
    // Nobody's process stays alive for this.
    this.#timer.unref()
  }

  #stopTimer(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** The storage, noting when it is used and whether anything runs on it. */
  #watched(storage: Storage, use: Use): Storage {
    const note = async <T>(work: () => Promise<T>): Promise<T> => {
      use.running++
      try {
        return await work()
      } finally {
        use.running--
        use.lastMs = this.#clock.now()
      }
    }
    return {
      provider: storage.provider,
      can: storage.can,
      list: (query) => note(() => storage.list(query)),
      stat: (key, options) => note(() => storage.stat(key, options)),
      read: async (key, options) => {
        const opened = await note(() => storage.read(key, options))
        // The connection is in use until the last byte is out.
        use.running++
        opened.body.once('close', () => {
          use.running--
          use.lastMs = this.#clock.now()
        })
        return opened
      },
      write: (key, body, options) => note(() => storage.write(key, body, options)),
      ...(storage.abandonUpload !== undefined && {
        abandonUpload: (key: Key, uploadId: string) => note(() => storage.abandonUpload!(key, uploadId)),
      }),
      remove: (keys, options) => note(() => storage.remove(keys, options)),
      // Signing needs no connection and is called per thumbnail; only the time is noted.
      signRead: (key, options) => {
        use.lastMs = this.#clock.now()
        return storage.signRead(key, options)
      },
      signWrite: (key, options) => {
        use.lastMs = this.#clock.now()
        return storage.signWrite(key, options)
      },
      check: (options) => note(() => storage.check(options)),
      close: async () => {
        throw new Error('a storage opened through openDriver is shared; do not close it')
      },
    }
  }
}

async function closeAll(all: readonly Held[]): Promise<void> {
  await Promise.allSettled(all.map(async ({ opening }) => (await opening).close()))
}
