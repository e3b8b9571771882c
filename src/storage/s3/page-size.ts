import type { ListQuery } from '../port.ts'
import type { StorageErrorKind } from '../storage-error.ts'

/** Entries asked for after so many failures of one and the same page. The second try is as the first: most failures pass. */
const SIZES = [1000, 1000, 100, 10, 1] as const
/** Pages that are remembered as failing; far more than are asked for at once. */
const PAGES_MAX = 256
/** What a page's own content can cause: a gateway that cannot write a name, or takes too long for all of it. */
const CAUSES: ReadonlySet<StorageErrorKind> = new Set(['unavailable', 'invalid'])

/**
 * How many entries to ask for: fewer of a page that has failed several times, for S3-compatible storages that fail with some names or with large answers
 * (`libraries.md` calls them poisoned). It sends nothing by itself; whoever lists tries again anyway.
 */
export class PageSizes {
  readonly #failures = new Map<string, number>()

  /** Entries to ask for. */
  sizeOf(query: ListQuery): number {
    const failures = this.#failures.get(placeOf(query)) ?? 0
    return SIZES[Math.min(failures, SIZES.length - 1)]!
  }

  /** A page was answered well. */
  succeeded(query: ListQuery): void {
    if (this.#failures.size > 0) this.#failures.delete(placeOf(query))
  }

  /** A page failed. */
  failed(query: ListQuery, kind: StorageErrorKind): void {
    if (!CAUSES.has(kind)) return
    const place = placeOf(query)
    const failures = (this.#failures.get(place) ?? 0) + 1
    if (this.#failures.size >= PAGES_MAX) this.#failures.clear()
    this.#failures.set(place, failures)
  }
}

/** What was asked for, its length included: a guess for a single key that fails says nothing of the page that begins at the same place. */
function placeOf({ prefix, after, token, delimiter, entriesMax }: ListQuery): string {
  return JSON.stringify([
    prefix,
    after?.toString('base64') ?? null,
    token ?? null,
    delimiter ?? null,
    entriesMax ?? null,
  ])
}
