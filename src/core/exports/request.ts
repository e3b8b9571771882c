type Json = Readonly<Record<string, unknown>>

/** An export as it is kept while it is worked on. */
export interface ExportPlan {
  /** `list`: a JSON list; `tree`: a zip with a file an item; `parts`: files of a line an item. */
  readonly form: 'list' | 'tree' | 'parts'
  /** Filter, join and sets of the items. */
  readonly items: Json
  readonly withAnnotations: boolean
  /** Filter and join of the annotations; null: all. */
  readonly annotations: Json | null
  /** Filter of the feature vectors that stand in the items; null: none do. */
  readonly vectors: Json | null
  /** Files of a tree keep the item's extension before `.json`. */
  readonly keepsExtension: boolean
  readonly partitionCount: number | null
  readonly withSummary: boolean
  /** What is given: everything, or what is not as another export gave it. */
  readonly mode: 'full' | 'diff'
  /** Version that a diff is asked for against; null: the last one of the same query. */
  readonly fromVersion: number | null
  /** Where this API is reached, for addresses inside the rows. */
  readonly baseUrl: string
}

/** All that the SDK's default query finds. */
const everything: Json = { $and: [{ hidden: false }, { type: 'file' }] }

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What selects rows in a query, whatever its form: a filter with its join, a whole query whose pages and sort mean nothing, or a bare filter. */
function selectionOf(query: unknown): Json | null {
  if (!isObject(query) || Object.keys(query).length === 0) return null
  const parts = Object.entries(query).filter(
    ([key, value]) =>
      ['filter', 'join', 'intersect', 'except'].includes(key) && isObject(value) && Object.keys(value).length > 0,
  )
  if (parts.length > 0) return Object.fromEntries(parts)
  const isBare = Object.keys(query).some((key) => key === '$and' || key === '$or')
  return isBare ? { filter: query } : null
}

/** Reads what `POST /datasets/{id}/export` asks for. */
export function planFile(body: Json, baseUrl: string): ExportPlan {
  const annotations = isObject(body.annotations) ? body.annotations : {}
  return {
    form: body.exportType === 'json' ? 'list' : 'tree',
    items: selectionOf(body.itemsQuery) ?? { filter: everything },
    withAnnotations: annotations.include === true,
    annotations: selectionOf(body.annotationsQuery),
    vectors: body.includeItemVectors === true ? ((selectionOf(body.itemsVectorQuery)?.filter as Json) ?? {}) : null,
    keepsExtension: body.exportVersion === 'V2',
    partitionCount: null,
    withSummary: body.summary === true,
    mode: 'full',
    fromVersion: null,
    baseUrl,
  }
}

/** Reads what `POST /datasets/{id}/export/v3` asks for; what is not said is everything. */
export function planParts(body: Json, baseUrl: string): ExportPlan {
  const filters = isObject(body.filters) ? body.filters : {}
  return {
    form: 'parts',
    items: selectionOf(filters.itemsQuery) ?? selectionOf(filters) ?? { filter: everything },
    withAnnotations: true,
    annotations: null,
    vectors: null,
    keepsExtension: true,
    partitionCount: typeof body.partitionCount === 'number' ? body.partitionCount : null,
    withSummary: false,
    mode: body.mode === 'diff' ? 'diff' : 'full',
    fromVersion: typeof body.fromVersion === 'number' ? body.fromVersion : null,
    baseUrl,
  }
}
