// Whoever works on a world's index: a slice of a sync, or a resolver. Each of its calls to the storage or the database can be held back or made to fail.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { DbClient, DbPool } from '#db/connect.ts'
import type { ListPage, Storage } from '#storage/port.ts'

/** What is to happen to an actor on its way; calls are counted from 1. */
export interface Plan {
  /** The call after which it is held back until it is let go: what it read is then old. */
  readonly holdAfter?: number | undefined
  /** The same by what a statement says: the first one that has these words. */
  readonly holdAfterSql?: string | undefined
  /** The call before which the database's connection breaks, and after which its answer is lost. */
  readonly failBefore?: number | undefined
  readonly failAfter?: number | undefined
  /** Which calls are counted. */
  readonly counted?: 'storage' | 'database' | undefined
  /** Storage calls after which it is told to stop. */
  readonly stopAfter?: number | undefined
}

/** Time that an actor gets before others may move although it has not ended; it waits for a row, then, or for a wait of its own. */
const BLOCKED_MS = 120

const current = new AsyncLocalStorage<Actor>()

/** One worker's work, from its beginning to its end. */
export class Actor {
  readonly name: string
  readonly #plan: Plan
  readonly #stop = new AbortController()
  #calls = 0
  /** It was held back, or is not to be any more. */
  #hasHeld = false
  #storageCalls = 0
  #letGo: (() => void) | null = null
  #isHeld: (() => void) | null = null
  readonly #held: Promise<void>
  #ended: Promise<void> = Promise.resolve()
  hasEnded = false

  constructor(name: string, plan: Plan) {
    this.name = name
    this.#plan = plan
    this.#held = new Promise((held) => {
      this.#isHeld = held
    })
  }

  /** Begins the work; resolves when it has ended, is held back, or waits for somebody. */
  async start(work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    this.#ended = current
      .run(this, () => work(this.#stop.signal))
      .then(
        () => {},
        (error: unknown) => {
          // What we made fail may come back to us; a worker of the queue would try again.
          if (!(error instanceof Error && (error as { code?: string }).code === BROKEN)) this.failure = error
        },
      )
      .finally(() => {
        this.hasEnded = true
      })
    await this.#pause(this.#held)
  }

  /** What it failed with, if nobody made it fail. */
  failure: unknown = null

  get isHeldBack(): boolean {
    return this.#letGo !== null
  }

  /** Lets it go on; resolves when it has ended or waits for somebody. */
  async release(): Promise<void> {
    this.#letGo?.()
    this.#letGo = null
    await this.#pause()
  }

  /** Resolves when it has ended. */
  async finish(): Promise<void> {
    this.#hasHeld = true
    this.#letGo?.()
    this.#letGo = null
    await this.#ended
  }

  async #pause(other?: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const blocked = new Promise<void>((done) => {
      timer = setTimeout(done, BLOCKED_MS)
    })
    await Promise.race([this.#ended, blocked, ...(other ? [other] : [])])
    clearTimeout(timer)
  }

  /** Counts a call and does what the plan says. */
  async around<T>(kind: 'storage' | 'database', call: () => Promise<T>, sql = ''): Promise<T> {
    const { holdAfter, holdAfterSql, failBefore, failAfter, stopAfter, counted = kind } = this.#plan
    if (kind === 'storage' && ++this.#storageCalls === stopAfter) this.#stop.abort()
    const number = counted === kind ? ++this.#calls : -1
    if (number === failBefore && kind === 'database') throw broken()
    const result = await call()
    const isMet = holdAfterSql !== undefined && sql.includes(holdAfterSql)
    if (!this.#hasHeld && (number === holdAfter || isMet)) await this.#holdBack()
    if (number === failAfter && kind === 'database') throw broken()
    return result
  }

  #holdBack(): Promise<void> {
    this.#hasHeld = true
    return new Promise((go) => {
      this.#letGo = go
      this.#isHeld?.()
    })
  }
}

/** PostgreSQL's code for a connection that was ended by an administrator. */
const BROKEN = '57P01'

function broken(): Error {
  return Object.assign(new Error('The connection was broken by the test.'), { code: BROKEN })
}

/** A storage whose pages are short, and whose calls the actors' plans see. */
export function heldStorage(inner: Storage, pageKeys: number): Storage {
  const watch = <T>(call: () => Promise<T>) => current.getStore()?.around('storage', call) ?? call()
  return {
    ...inner,
    can: { ...inner.can, list_page_max: pageKeys },
    list: (query) =>
      watch<ListPage>(() => inner.list({ ...query, entriesMax: Math.min(query.entriesMax ?? pageKeys, pageKeys) })),
    stat: (key, options) => watch(() => inner.stat(key, options)),
    read: (key, options) => watch(() => inner.read(key, options)),
    write: (key, body, options) => watch(() => inner.write(key, body, options)),
  }
}

type Query = (...args: unknown[]) => unknown

/** A pool whose statements the actors' plans see; streams (COPY) pass. */
export function heldPool(pool: DbPool): DbPool {
  const watched = (target: object, query: Query): Query =>
    function watchedQuery(...args) {
      const actor = current.getStore()
      if (actor === undefined || typeof args[0] !== 'string') return query.apply(target, args)
      // What ends a transaction that has failed is no call of its own: it would fail with the connection.
      if (args[0] === 'rollback') return query.apply(target, args)
      const [sql] = args
      return actor.around('database', () => query.apply(target, args) as Promise<unknown>, sql)
    }
  return new Proxy(pool, {
    get(target, name) {
      if (name === 'query') return watched(target, target.query as unknown as Query)
      if (name === 'connect')
        return async () => {
          const client = (await target.connect()) as DbClient
          const query = client.query as unknown as Query
          return new Proxy(client, {
            get(inner, inside) {
              if (inside === 'query') return watched(inner, query)
              const value = Reflect.get(inner, inside, inner)
              return typeof value === 'function' ? value.bind(inner) : value
            },
          })
        }
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
