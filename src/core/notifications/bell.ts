import type { DbPool } from '#db/connect.ts'
import { type Listening, listen } from '#db/listen.ts'
import type { Deps } from '../deps.ts'
import { CHANNEL } from './notify.ts'

/** Notices that come this close together wake their readers once. */
const GATHER_MS = 50
/** More numbers than this are not worth asking whose they are: everybody is woken. */
const NUMBERS_MAX = 1_000

/** Somebody who waits for notifications. */
export interface Ear {
  /** Resolves at the next ring since the last call, or after `ms`, or when `signal` aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
  close(): void
}

interface Sleeper {
  isRung: boolean
  wake(): void
}

// By pool: that is what all the Deps of one process share, however often they are spread.
const bells = new WeakMap<DbPool, Bell>()

/** Waits with a user for notifications that concern them, whichever process tells. The process listens through one connection while anybody waits. */
export function openEar(deps: Deps, userId: string): Ear {
  let bell = bells.get(deps.db)
  if (bell === undefined) {
    bell = new Bell(deps)
    bells.set(deps.db, bell)
  }
  return bell.open(userId)
}

class Bell {
  readonly #deps: Deps
  readonly #sleepers = new Map<string, Set<Sleeper>>()
  readonly #heard = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #listening: Listening | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  open(userId: string): Ear {
    const sleeper: Sleeper = { isRung: false, wake() {} }
    const ofUser = this.#sleepers.get(userId) ?? new Set()
    this.#sleepers.set(userId, ofUser.add(sleeper))
    this.#listening ??= this.#listen()
    return {
      wait: (ms, signal) => sleep(sleeper, ms, signal),
      close: () => {
        ofUser.delete(sleeper)
        if (ofUser.size === 0 && this.#sleepers.get(userId) === ofUser) this.#sleepers.delete(userId)
        if (this.#sleepers.size === 0) this.#stop()
      },
    }
  }

  #listen(): Listening {
    return listen(this.#deps.db, CHANNEL, {
      onMessage: (payload) => {
        this.#heard.add(payload)
        this.#timer ??= setTimeout(() => void this.#deliver(), GATHER_MS)
      },
      onListening: () => this.#ring(this.#sleepers.keys()),
      onTrouble: (error) =>
        this.#deps.log.warn({ err: error }, 'live notifications are late until the database answers again'),
    })
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#heard.clear()
    void this.#listening?.close()
    this.#listening = undefined
  }

  async #deliver(): Promise<void> {
    this.#timer = undefined
    const numbers = [...this.#heard]
    this.#heard.clear()
    const users = [...this.#sleepers.keys()]
    const isClear = numbers.length <= NUMBERS_MAX && numbers.every((text) => /^\d{1,18}$/.test(text))
    const concerned = isClear ? await this.#readersOf(numbers, users).catch(() => users) : users
    this.#ring(concerned)
  }

  /** Those of the users who may read any of the notifications; so that a busy project does not make everybody's window ask. */
  async #readersOf(numbers: readonly string[], users: readonly string[]): Promise<string[]> {
    const { rows } = await this.#deps.db.query<{ user_id: string }>(
      `select distinct m.user_id from notification n join project_member m on m.project_id = n.project_id
        where n.notification_no = any($1::bigint[]) and m.user_id = any($2) and m.role in ('owner', 'engineer')`,
      [numbers, users],
    )
    return rows.map((row) => row.user_id)
  }

  #ring(users: Iterable<string>): void {
    for (const userId of users) for (const sleeper of this.#sleepers.get(userId) ?? []) sleeper.wake()
  }
}

async function sleep(sleeper: Sleeper, ms: number, signal: AbortSignal): Promise<void> {
  if (!sleeper.isRung && !signal.aborted) {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    const isUnwanted = () => resolve()
    signal.addEventListener('abort', isUnwanted)
    sleeper.wake = () => resolve()
    await promise
    clearTimeout(timer)
    signal.removeEventListener('abort', isUnwanted)
  }
  sleeper.isRung = false
  sleeper.wake = () => {
    sleeper.isRung = true
  }
}
