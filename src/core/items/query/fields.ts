/** What a query at `/datasets/{id}/query` is about. */
export type Resource = 'items' | 'annotations'

/** How an item field's values are compared; each kind has one function in `item-table.ts`. */
export type ItemFieldKind =
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
  | 'creator'
  | 'updatedBy'
  | 'annotated'
  | 'annotationsCount'
  | 'description'
  | 'srcItem'
  /** Whether the item is in one of the dataset's ten collections. */
  | 'collection'
  /** The same for every item of a dataset: known before the database is asked. */
  | 'constant'
  /** In the JSON document of the item. */
  | 'document'

/** The constants; `null`: items never have it. */
export type ConstantName = 'datasetId' | 'encoding' | 'null'

/** What a field name of an item query means. */
export interface ItemField {
  readonly kind: ItemFieldKind
  readonly constant?: ConstantName
  /** For `document` and `collection`: the path below the document's root. */
  readonly path?: readonly string[]
}

const constant = (name: ConstantName): ItemField => ({ kind: 'constant', constant: name })
const inDocument = (...path: string[]): ItemField => ({ kind: 'document', path })

/** Every field of an item by the name queries use. What storage tells is a column; `metadata.system` is assembled from it on the way out. */
const itemFields: ReadonlyMap<string, ItemField> = new Map(
  Object.entries<ItemField>({
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
    creator: { kind: 'creator' },
    updatedBy: { kind: 'updatedBy' },
    annotated: { kind: 'annotated' },
    annotationsCount: { kind: 'annotationsCount' },
    description: { kind: 'description' },
    srcItem: { kind: 'srcItem' },
    annotationStatus: inDocument('system', 'annotationStatus'),
    refs: inDocument('system', 'refs'),
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
    spec: constant('null'),
  }),
)

/** The meaning of an item's field name; null when items have no such field. */
export function itemField(name: string): ItemField | null {
  const known = itemFields.get(name)
  if (known !== undefined) return known
  // The ten slots of a dataset's collections; their keys in the document are c0 to c9.
  const slot = /^collections(\d)$/.exec(name)
  if (slot !== null) return { kind: 'collection', path: ['system', 'collections', `c${slot[1]}`] }
  if (name.startsWith('metadata.system.storage')) return null
  return name.startsWith('metadata.') ? inDocument(...name.split('.').slice(1)) : null
}

/** How an annotation field's values are compared; each kind has one function in `annotation-table.ts`. */
export type AnnotationFieldKind = 'id' | 'itemId' | 'datasetId' | 'text' | 'user' | 'time' | 'document'

/** What a field name of an annotation query means; `column` is the column of `annotation` it stands in. */
export interface AnnotationField {
  readonly kind: AnnotationFieldKind
  readonly column: string
  /** For `document`: the path in the column's JSON. */
  readonly path?: readonly string[]
}

const annotationFields: ReadonlyMap<string, AnnotationField> = new Map(
  Object.entries<AnnotationField>({
    id: { kind: 'id', column: 'annotation_no' },
    annotationId: { kind: 'id', column: 'annotation_no' },
    itemId: { kind: 'itemId', column: 'item_no' },
    datasetId: { kind: 'datasetId', column: '' },
    type: { kind: 'text', column: 'type' },
    label: { kind: 'text', column: 'label' },
    source: { kind: 'text', column: 'source' },
    hash: { kind: 'text', column: 'hash' },
    description: { kind: 'text', column: 'description' },
    creator: { kind: 'user', column: 'creator_id' },
    updatedBy: { kind: 'user', column: 'updater_id' },
    createdAt: { kind: 'time', column: 'created_at' },
    updatedAt: { kind: 'time', column: 'updated_at' },
  }),
)
/** Columns of an annotation that hold JSON, by the name their paths begin with. */
const annotationDocuments: ReadonlyMap<string, string> = new Map([
  ['metadata', 'metadata'],
  ['attributes', 'attributes'],
  ['coordinates', 'coordinates'],
  ['labelSuggestions', 'suggestions'],
])

/** The meaning of an annotation's field name; null when annotations have no such field. */
export function annotationField(name: string): AnnotationField | null {
  const known = annotationFields.get(name)
  if (known !== undefined) return known
  const [root, ...path] = name.split('.')
  const column = annotationDocuments.get(root!)
  return column === undefined || (root === 'metadata' && path.length === 0) ? null : { kind: 'document', column, path }
}

const unsortable: ReadonlySet<string> = new Set(['collection', 'constant', 'srcItem', 'etag', 'datasetId'])

/** Whether the rows of a resource can be sorted by a field. */
export function isSortField(resource: Resource, name: string): boolean {
  const field = resource === 'items' ? itemField(name) : annotationField(name)
  return field !== null && !unsortable.has(field.kind)
}
