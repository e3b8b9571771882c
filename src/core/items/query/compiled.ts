import type { Fragment, Predicate } from './fragment.ts'

/**
 * A condition as SQL. In `where`, `i` is the item and `d` its folder; for folders, `d` is the folder itself; for annotations, `a` is the annotation.
 *
 * `folder` speaks about `d` only and holds wherever `where` does, so the folders can be found first. `isFolderOnly`: it says the same as `where`.
 * `usesDir`: `where` cannot be evaluated without `d`. `isHidden` is set where the condition says just whether an item is hidden.
 */
export interface Compiled {
  readonly where: Predicate
  readonly folder: Predicate
  readonly isFolderOnly: boolean
  readonly usesDir: boolean
  readonly isHidden?: boolean
  /** Set where the condition says just whether an item has annotations. */
  readonly isAnnotated?: boolean
  /** The condition is a bound of the id, as an iteration by id sends it. */
  readonly isIdBound?: boolean
  /** Holds wherever the condition does, and is that of an index which holds nothing else: how many there are can be counted at once. */
  readonly rare?: Fragment
  /** The condition is served by the index of documents, whose matches can be gathered and counted but not be walked in any order. */
  readonly isGathered?: boolean
}

/** A condition about `d` alone. */
export function folderOnly(where: Predicate): Compiled {
  return { where, folder: where, isFolderOnly: true, usesDir: typeof where !== 'boolean' }
}

/** A condition about `i` alone. */
export function itemOnly(where: Predicate): Compiled {
  return typeof where === 'boolean' ? folderOnly(where) : { where, folder: true, isFolderOnly: false, usesDir: false }
}
