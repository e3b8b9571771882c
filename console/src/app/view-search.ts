/** What a browser page shows, as it stands in its address, so that a view can be sent to somebody. */
export interface BrowserSearch {
  /** The folder, with a slash at its start; the root without. */
  readonly dir?: string
  /** Everything below the folder as well. */
  readonly deep?: boolean
  readonly view?: 'gallery' | 'list' | 'details'
  /** Width of a picture in the gallery, in pixels. */
  readonly tile?: number
  /** Part of the name. */
  readonly name?: string
  /** Beginning of the media type: `image/`. */
  readonly type?: string
  readonly state?: 'available' | 'missing' | 'archived' | 'excluded'
  readonly changed?: boolean
  readonly annotated?: boolean
  /** Bytes. */
  readonly sizeMin?: number
  readonly sizeMax?: number
  /** Days, `2026-11-22`; of the file's last change in the storage. */
  readonly from?: string
  readonly to?: string
  /** A path below `metadata.user` and the value it has. */
  readonly meta?: string
  readonly metaValue?: string
  readonly sort?: 'name' | 'size' | 'createdAt' | 'modified'
  readonly descending?: boolean
  /** The item that is chosen and told about at the side. */
  readonly item?: string
}

/** Width of a picture in the gallery unless somebody changed it, in pixels. */
export const TILE_DEFAULT = 176
const states = ['available', 'missing', 'archived', 'excluded'] as const
const sorts = ['name', 'size', 'createdAt', 'modified'] as const
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+*-]*$/
const DAY = /^\d{4}-\d{2}-\d{2}$/

/** The search of an address somebody typed or sent: what makes no sense is left out. */
export function parseSearch(given: Record<string, unknown>): BrowserSearch {
  const text = (name: string) => (typeof given[name] === 'string' && given[name] !== '' ? given[name] : undefined)
  const number = (name: string) => {
    const value = Number(given[name])
    return given[name] !== undefined && Number.isFinite(value) && value >= 0 ? value : undefined
  }
  const one = <T extends string>(name: string, of: readonly T[]) => of.find((each) => each === given[name])
  const flag = (name: string) => (typeof given[name] === 'boolean' ? given[name] : undefined)
  const matching = (name: string, pattern: RegExp) => {
    const value = text(name)
    return value !== undefined && pattern.test(value) ? value : undefined
  }
  const dir = text('dir')
  return compact({
    dir: dir?.startsWith('/') && dir !== '/' ? dir : undefined,
    deep: flag('deep'),
    view: one('view', ['gallery', 'list', 'details']),
    tile: number('tile'),
    name: text('name'),
    type: matching('type', MEDIA_TYPE),
    state: one('state', states),
    changed: flag('changed'),
    annotated: flag('annotated'),
    sizeMin: number('sizeMin'),
    sizeMax: number('sizeMax'),
    from: matching('from', DAY),
    to: matching('to', DAY),
    meta: text('meta'),
    metaValue: text('metaValue'),
    sort: one('sort', sorts),
    descending: flag('descending'),
    item: text('item'),
  })
}

function compact<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

/** Whether anything but the folder limits what is shown. */
export function isFiltered(search: BrowserSearch): boolean {
  const { name, type, state, changed, annotated, sizeMin, sizeMax, from, to, meta } = search
  return [name, type, state, changed, annotated, sizeMin, sizeMax, from, to, meta].some((each) => each !== undefined)
}

/** The query that finds what the page shows, as any program would send it; without pages. */
export function toQuery(search: BrowserSearch): { filter: Record<string, unknown>; sort?: Record<string, string> } {
  const conditions: Record<string, unknown>[] = [{ type: 'file' }, { hidden: false }]
  const dir = search.dir ?? '/'
  if (search.deep !== true) conditions.push({ dir: { $in: [dir] } })
  // In a list nothing is a wildcard, and a value that ends in /** is a folder with all below it.
  else if (dir !== '/') conditions.push({ filename: { $in: [`${dir}/**`] } })
  if (search.name !== undefined) conditions.push({ name: `*${search.name}*` })
  if (search.type !== undefined)
    conditions.push({ mimetype: search.type.endsWith('/') ? `${search.type}*` : search.type })
  if (search.state !== undefined) conditions.push({ state: search.state })
  if (search.changed === true) conditions.push({ changedInStorage: true })
  if (search.annotated !== undefined) conditions.push({ annotated: search.annotated })
  const size = {
    ...(search.sizeMin !== undefined && { $gte: search.sizeMin }),
    ...(search.sizeMax !== undefined && { $lte: search.sizeMax }),
  }
  if (Object.keys(size).length > 0) conditions.push({ size })
  const modified = {
    ...(search.from !== undefined && { $gte: `${search.from}T00:00:00.000Z` }),
    ...(search.to !== undefined && { $lte: `${search.to}T23:59:59.999Z` }),
  }
  if (Object.keys(modified).length > 0) conditions.push({ modified })
  if (search.meta !== undefined) conditions.push(metaCondition(search.meta, search.metaValue))
  const sort =
    search.sort === undefined ? undefined : { [search.sort]: search.descending === true ? 'descending' : 'ascending' }
  return { filter: { $and: conditions }, ...(sort !== undefined && { sort }) }
}

/** Without a value: that there is one. A value that reads as JSON is that, any other is a text. */
function metaCondition(path: string, value: string | undefined): Record<string, unknown> {
  const field = `metadata.user.${path}`
  if (value === undefined) return { [field]: { $exists: true } }
  let parsed: unknown = value
  try {
    parsed = JSON.parse(value)
  } catch {
    // A text as it is.
  }
  return { [field]: typeof parsed === 'object' && parsed !== null ? { $match: parsed } : parsed }
}
