import { withRetry } from '#storage/layers.ts'
import type { ListQuery, Storage } from '#storage/port.ts'

/** How many entries a page of each kind may hold. */
export interface PageSizes {
  /** Pages of a listing. */
  readonly pageMax: number
  /** Pages of which the asker said how long they may be: single keys and keys that are read again. */
  readonly askedMax?: number
  /** Told of every page before it is asked for, as the asker wants it: a storage that has failed may ask for less. */
  readonly onAsked?: (query: ListQuery) => void
}

/** A real storage whose pages hold a few entries, so that the borders of pages fall between all the keys of a small bucket. */
export function withSmallPages(storage: Storage, { pageMax, askedMax = pageMax, onAsked }: PageSizes): Storage {
  return {
    // One attempt is none more; what matters is that all methods of the storage are there, whatever it is made of.
    ...withRetry(storage, { attemptsMax: 1 }),
    list(query) {
      const entriesMax = query.entriesMax === undefined ? pageMax : Math.min(query.entriesMax, askedMax)
      const asked = { ...query, entriesMax }
      onAsked?.(asked)
      return storage.list(asked)
    },
  }
}
