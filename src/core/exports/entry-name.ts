import { createHash } from 'node:crypto'

/** Of an item, what its file in an archive is named by. */
export interface Named {
  readonly id: string
  /** Full path of the item, with a slash at its start. */
  readonly filename: string
}

/**
 * The path of an item's file in an archive. The SDK looks for the item's name without its extension, or with it, and `.json`. Parts that would lead out of the
 * folder it is unpacked in are written so that they do not.
 */
export function entryName(filename: string, keepsExtension: boolean): string {
  const parts = filename.split('/').filter((part) => part !== '')
  const safe = parts.map((part) => (part === '.' || part === '..' ? part.replaceAll('.', '%2E') : part))
  const name = safe.pop() ?? ''
  // As Python's splitext: dots at the start are no extension.
  const stem = keepsExtension ? name : name.replace(/(?<=[^.].*|[^.])\.[^.]*$/s, '')
  return [...safe, `${stem}.json`].join('/')
}

/**
 * Names files without their items' extensions so that no two are the same, for archives of the first version.
 *
 * Where items differ in their extensions only, none of them gets the name that all would have: the SDK then finds no file under it and asks the server, where it
 * would take one item's annotations for another's. They are named with their extensions, or by their ids where that name is another item's. Eight bytes a name
 * are kept; add all names before the first is asked for.
 */
export class BareNames {
  readonly #hashes: Float64Array
  #count = 0
  #isSorted = false

  constructor(namesMax: number) {
    this.#hashes = new Float64Array(namesMax)
  }

  add({ filename }: Pick<Named, 'filename'>): void {
    this.#hashes[this.#count++] = hashOf(entryName(filename, false))
  }

  nameOf({ id, filename }: Named): string {
    const bare = entryName(filename, false)
    if (this.#times(bare) <= 1) return bare
    const whole = entryName(filename, true)
    return this.#times(whole) === 0 ? whole : whole.replace(/\.json$/, `~${id}.json`)
  }

  /** How many items would have this name without their extensions: 2 for more than one. */
  #times(name: string): number {
    if (!this.#isSorted) this.#hashes.subarray(0, this.#count).sort()
    this.#isSorted = true
    const hash = hashOf(name)
    let [from, to] = [0, this.#count]
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.#hashes[middle]! < hash) from = middle + 1
      else to = middle
    }
    if (from >= this.#count || this.#hashes[from] !== hash) return 0
    return this.#hashes[from + 1] === hash && from + 1 < this.#count ? 2 : 1
  }
}

/** 48 bits: two names that meet by chance are only named longer than they need be. */
function hashOf(name: string): number {
  return createHash('sha1').update(name).digest().readUIntBE(0, 6)
}
