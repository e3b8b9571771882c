import type { WalkRange } from '#storage/walk/walk.ts'

/** What bounds the ranges. */
export interface SeedOptions {
  /** Bytes every key starts with: the driver's folder, or nothing. */
  readonly prefix: Buffer
  /** Most ranges; as many as there may be requests at once, since each costs half a page at its end. */
  readonly rangesMax: number
}

/**
 * Makes a walk's first ranges out of keys of an earlier index, for a re-scan: evenly sampled keys in, about equally full ranges out, and no
 * request is spent on finding out where keys are.
 *
 * The ranges cover the whole folder, whatever the keys: those outside the folder and repeated ones are dropped, and of too many an even
 * choice is taken. Keys may come in any order. Where the bucket has changed, idle connections help where most is left.
 */
export function seedRanges(borders: readonly Buffer[], { prefix, rangesMax }: SeedOptions): WalkRange[] {
  const inside = borders
    .filter((key) => key.length > prefix.length && key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0)
    .sort(Buffer.compare)
    .filter((key, index, sorted) => index === 0 || !key.equals(sorted[index - 1]!))
  const parts = Math.max(1, Math.min(rangesMax, inside.length + 1))
  const step = (inside.length + 1) / parts
  // Of n borders the one at (i × step) − 1 has i × step of the n + 1 parts below it.
  const chosen = Array.from({ length: parts - 1 }, (_, index) => inside[Math.floor((index + 1) * step) - 1]!)
  const starts = [Buffer.alloc(0), ...chosen]
  return starts.map((from, index) => ({
    no: index + 1,
    from,
    to: chosen[index] ?? null,
    cursor: from,
    isDone: false,
    keys: 0,
  }))
}
