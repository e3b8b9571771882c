/** How a field's values are compared; each kind has one function in `sql.ts`. */
export type FieldKind =
  | 'id'
  | 'filename'
  | 'dir'
  | 'name'
  | 'mimetype'
  | 'type'
  | 'hidden'
  | 'state'
  | 'missingSince'
  | 'changedInStorage'
  | 'createdAt'
  | 'updatedAt'
  | 'modified'
  | 'size'
  | 'etag'
  /** The same for every item of a dataset: known before the database is asked. */
  | 'constant'
  /** In the JSON document of the item. */
  | 'metadata'

/** The constants: `null` stands for features that later versions fill. */
export type ConstantName = 'creator' | 'datasetId' | 'annotated' | 'annotationsCount' | 'encoding' | 'null'

/** What a field name of a query means. */
export interface Field {
  readonly kind: FieldKind
  readonly constant?: ConstantName
  /** For `metadata`: the path below the document's root. */
  readonly path?: readonly string[]
}

const constant = (name: ConstantName): Field => ({ kind: 'constant', constant: name })

/** Every field of an item by the name queries use. What storage tells is a column; `metadata.system` is assembled from it on the way out. */
const fields: Readonly<Record<string, Field>> = {
  id: { kind: 'id' },
  filename: { kind: 'filename' },
  dir: { kind: 'dir' },
  name: { kind: 'name' },
  type: { kind: 'type' },
  hidden: { kind: 'hidden' },
  createdAt: { kind: 'createdAt' },
  updatedAt: { kind: 'updatedAt' },
  size: { kind: 'size' },
  mimetype: { kind: 'mimetype' },
  modified: { kind: 'modified' },
  state: { kind: 'state' },
  missingSince: { kind: 'missingSince' },
  changedInStorage: { kind: 'changedInStorage' },
  'metadata.system.size': { kind: 'size' },
  'metadata.system.mimetype': { kind: 'mimetype' },
  'metadata.system.originalname': { kind: 'name' },
  'metadata.system.encoding': constant('encoding'),
  'metadata.system.storage.etag': { kind: 'etag' },
  'metadata.system.storage.modified': { kind: 'modified' },
  'metadata.system.storage.state': { kind: 'state' },
  'metadata.system.storage.missingSince': { kind: 'missingSince' },
  'metadata.system.storage.changedInStorage': { kind: 'changedInStorage' },
  datasetId: constant('datasetId'),
  creator: constant('creator'),
  updatedBy: constant('creator'),
  annotated: constant('annotated'),
  annotationsCount: constant('annotationsCount'),
  description: constant('null'),
  spec: constant('null'),
  srcItem: constant('null'),
}
const byName: ReadonlyMap<string, Field> = new Map(Object.entries(fields))

/** The meaning of a field name; null when items have no such field. */
export function fieldOf(name: string): Field | null {
  const known = byName.get(name)
  if (known !== undefined) return known
  if (/^collections\d$/.test(name)) return constant('null')
  if (name.startsWith('metadata.')) return { kind: 'metadata', path: name.split('.').slice(1) }
  return null
}

const sortFields = ['id', 'createdAt', 'name', 'filename', 'dir', 'size', 'updatedAt', 'metadata.system.size'] as const

/** A field that items can be sorted by. */
export type SortField = (typeof sortFields)[number]

/** Whether items can be sorted by a field. */
export function isSortField(name: string): name is SortField {
  return (sortFields as readonly string[]).includes(name)
}
