import mime from 'mime'
import otherTypes from 'mime/types/other.js'
import standardTypes from 'mime/types/standard.js'
import type { Db } from '#db/connect.ts'

const DOT = 0x2e
/** What a file without a known extension is. */
const UNKNOWN = 'application/octet-stream'
/** Longer than any extension that means something. */
const EXTENSION_BYTES_MAX = 16
/** Extensions remembered: they are data, and a bucket of random names must not fill the memory. */
const EXTENSIONS_MAX = 10_000

/**
 * Numbers of content types, found by the extension of a name's bytes; a listing does not tell the type, and IS-11 wants it without a read.
 *
 * Loaded once a slice; the types the `mime` package knows are put into the table when they are not all there (about 900 rows, once).
 */
export class MediaTypes {
  readonly #numbers: ReadonlyMap<string, number>
  readonly #byExtension = new Map<string, number>()
  /** The same for extensions of up to four bytes, by those bytes as one number: no string is made for nearly all files. */
  readonly #byBytes = new Map<number, number>()

  private constructor(numbers: ReadonlyMap<string, number>) {
    this.#numbers = numbers
  }

  static async load(db: Db): Promise<MediaTypes> {
    const known = knownTypes()
    let numbers = await readNumbers(db)
    if (known.some((name) => !numbers.has(name))) {
      await db.query('insert into media_type (name) select unnest($1::text[]) on conflict do nothing', [known])
      numbers = await readNumbers(db)
    }
    return new MediaTypes(numbers)
  }

  /** The number for the file name in `bytes[start, end)`. */
  numberOf(bytes: Buffer, start: number, end: number): number {
    let packed = 0
    let dot = end - 1
    for (const stop = Math.max(start, end - 4); dot >= stop && bytes[dot] !== DOT; dot--)
      packed = (packed << 8) | bytes[dot]!
    if (dot < start || bytes[dot] !== DOT) return this.#numberOfLong(bytes, start, end)
    let number = this.#byBytes.get(packed)
    if (number === undefined) {
      number = this.#numberOfLong(bytes, start, end)
      if (this.#byBytes.size < EXTENSIONS_MAX) this.#byBytes.set(packed, number)
    }
    return number
  }

  #numberOfLong(bytes: Buffer, start: number, end: number): number {
    let dot = end - 1
    const stop = Math.max(start, end - EXTENSION_BYTES_MAX - 1)
    while (dot >= stop && bytes[dot] !== DOT) dot--
    const extension = dot >= stop ? bytes.toString('latin1', dot + 1, end) : ''
    let number = this.#byExtension.get(extension)
    if (number === undefined) {
      number = this.#numbers.get(mime.getType(extension.toLowerCase()) ?? UNKNOWN) ?? this.#numbers.get(UNKNOWN)!
      if (this.#byExtension.size < EXTENSIONS_MAX) this.#byExtension.set(extension, number)
    }
    return number
  }
}

function knownTypes(): string[] {
  return [...new Set([UNKNOWN, ...Object.keys(standardTypes), ...Object.keys(otherTypes)])].sort()
}

async function readNumbers(db: Db): Promise<Map<string, number>> {
  const { rows } = await db.query<{ name: string; type_no: number }>('select name, type_no from media_type')
  return new Map(rows.map((row) => [row.name, row.type_no]))
}
