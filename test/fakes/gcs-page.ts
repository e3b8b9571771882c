/** An entry to write into a page. */
export interface GcsPageEntry {
  readonly key: string
  readonly size?: string
  readonly generation?: string
  readonly updated?: string
  readonly bucket?: string
}

/** An answer of `objects.list` to write. */
export interface GcsPageSketch {
  readonly entries: readonly GcsPageEntry[]
  readonly prefixes?: readonly string[]
  readonly token?: string
  /** Characters that are no ASCII as `\u` with four digits, and slashes with a backslash, as JSON may. */
  readonly isEscaped?: boolean
  /** Also what Google says of objects when it is not asked for some of it only. */
  readonly hasExtras?: boolean
  /** A member a line, as Google lays it out unless asked not to. */
  readonly isPretty?: boolean
  /** Order of an entry's members, and whether what is said of the page follows the entries. */
  readonly order?: readonly number[]
  readonly isHeadLast?: boolean
}

/** Writes a page as Cloud Storage does; for tests of whoever reads one. */
export function renderGcsPage(sketch: GcsPageSketch): string {
  const { entries, prefixes = [], token } = sketch
  const head = {
    kind: 'storage#objects',
    ...(token === undefined ? {} : { nextPageToken: token }),
    ...(prefixes.length === 0 ? {} : { prefixes }),
  }
  const items = entries.length === 0 ? {} : { items: entries.map((entry) => entryOf(entry, sketch)) }
  const document = sketch.isHeadLast === true ? { ...items, ...head } : { ...head, ...items }
  const text = JSON.stringify(document, undefined, sketch.isPretty === true ? 2 : 0)
  if (sketch.isEscaped !== true) return text
  return text
    .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll('/', '\\/')
}

function entryOf(entry: GcsPageEntry, { order, hasExtras }: GcsPageSketch): object {
  const {
    key,
    size = '1',
    generation = '1700000000000001',
    updated = '2024-02-29T23:59:59.123Z',
    bucket = 'bucket',
  } = entry
  const members: [string, unknown][] = [
    ['name', key],
    ['bucket', bucket],
    ['size', size],
    ['generation', generation],
    ['updated', updated],
  ]
  const ordered = order === undefined ? members : order.map((i) => members[i]!)
  const rest = members.filter((member) => !ordered.includes(member))
  const extras: [string, unknown][] = [
    ['kind', 'storage#object'],
    ['metadata', { name: 'inner', deep: [{ size: 7 }, [], {}, null, true, -1.5e3, '\\"'] }],
    ['temporaryHold', false],
    ['componentCount', 3],
  ]
  return Object.fromEntries([...(hasExtras === true ? extras : []), ...ordered, ...rest])
}
