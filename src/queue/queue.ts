/** Something that runs SQL, so that a job is enqueued in the transaction that causes it. Shaped like `Db`; kits do not import each other. */
export interface SqlRunner {
  query(text: string, values?: readonly unknown[]): Promise<unknown>
}

/** What a job handler gets. `signal` aborts when the process is to stop: save the state and return. */
export interface JobContext {
  readonly signal: AbortSignal
}

/** One kind of job: `payload` carries ids only, state lives in rows, `run` does one bounded slice. */
export interface Job<Deps, Payload = unknown> {
  readonly name: string
  readonly attemptMax: number
  run(deps: Deps, payload: Payload, context: JobContext): Promise<void>
}

/** How a job is put into the queue. */
export interface EnqueueOptions {
  /** One waiting job a key: enqueuing again replaces it. */
  readonly key?: string
  readonly delayMs?: number
  /** A job of the key that waits already stays where it is in the queue. */
  readonly keepsTurn?: boolean
  readonly attemptMax?: number
}

/** The queue, as the core sees it. */
export interface Queue {
  enqueue(tx: SqlRunner, job: string, payload: unknown, options?: EnqueueOptions): Promise<void>
}
