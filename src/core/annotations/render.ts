import type { Annotation, AnnotationType } from '#contract/annotations.ts'
import { toIso } from '#lib/clock.ts'
import { hasCoordinates } from './coordinates.ts'

/**
 * SQL of what `renderAnnotation` needs of an annotation row `a`. An item that was removed keeps its annotations, so whoever reads them joins the item:
 * `from annotation a join item i on i.dataset_no = a.dataset_no and i.item_no = a.item_no`.
 */
export const annotationColumns = `lpad(to_hex(a.dataset_no), 8, '0') || lpad(to_hex(a.annotation_no), 16, '0') as id,
  lpad(to_hex(a.dataset_no), 8, '0') || lpad(to_hex(a.item_no), 16, '0') as item_id,
  a.type, a.label, a.attributes, a.coordinates, a.metadata, a.source, a.hash, a.description, a.suggestions,
  (select u.email from user_account u where u.id = a.creator_id) as creator, (select u.email from user_account u where u.id = a.updater_id) as updater,
  round(date_part('epoch', a.created_at) * 1000)::bigint as created_ms, round(date_part('epoch', a.updated_at) * 1000)::bigint as updated_ms`

/** An annotation as the database gives it. */
export interface AnnotationRow {
  id: string
  item_id: string
  type: string
  label: string
  attributes: unknown
  coordinates: unknown
  metadata: Record<string, unknown>
  source: string | null
  hash: string | null
  description: string | null
  suggestions: unknown[] | null
  creator: string
  updater: string
  created_ms: number
  updated_ms: number
}

/** An annotation as the API shows it, with exactly the keys that the vendor's SDK compares. `baseUrl` has no slash at the end. */
export function renderAnnotation(row: AnnotationRow, datasetId: string, baseUrl: string): Annotation {
  const { metadata } = row
  const type = row.type as AnnotationType
  return {
    id: row.id,
    datasetId,
    itemId: row.item_id,
    type,
    label: row.label,
    attributes: row.attributes,
    ...(hasCoordinates(type) && { coordinates: row.coordinates }),
    metadata: { ...metadata, system: (metadata.system as Record<string, unknown> | undefined) ?? {} },
    source: row.source,
    hash: row.hash ?? '',
    ...(row.description !== null && { description: row.description }),
    ...(row.suggestions !== null && row.suggestions.length > 0 && { labelSuggestions: row.suggestions }),
    creator: row.creator,
    createdAt: toIso(row.created_ms),
    updatedBy: row.updater,
    updatedAt: toIso(row.updated_ms),
    url: `${baseUrl}/api/v1/annotations/${row.id}`,
    item: `${baseUrl}/api/v1/items/${row.item_id}`,
    dataset: `${baseUrl}/api/v1/datasets/${datasetId}`,
  }
}
