import type { DbClient } from '#db/connect.ts'
import { type AnnotationDraft, hashOf } from './draft.ts'

/** Whose annotations are written, and when. */
export interface NewRows {
  readonly datasetNo: number
  readonly itemNo: string
  readonly creatorId: string
}

const json = (value: unknown) => (value === null ? null : JSON.stringify(value))

/** Inserts annotations of one item under the given numbers, one a draft; answers the data points they use. Their time of creation is the one their numbers carry. */
export async function insertAnnotations(
  tx: DbClient,
  { datasetNo, itemNo, creatorId }: NewRows,
  numbers: readonly string[],
  drafts: readonly AnnotationDraft[],
): Promise<number> {
  const { rows } = await tx.query<{ points: number }>(
    `insert into annotation (dataset_no, annotation_no, item_no, type, label, attributes, coordinates, metadata, source, hash, description, suggestions,
                             creator_id, updater_id, created_at, updated_at)
     select $1, n.no, $2, n.type, n.label, n.attributes, n.coordinates, n.metadata, n.source, n.hash, n.description, n.suggestions,
            $3, $3, to_timestamp((n.no >> 21)::float8 / 1000), to_timestamp((n.no >> 21)::float8 / 1000)
       from unnest($4::bigint[], $5::text[], $6::text[], $7::jsonb[], $8::jsonb[], $9::jsonb[], $10::text[], $11::text[], $12::text[], $13::jsonb[])
            n (no, type, label, attributes, coordinates, metadata, source, hash, description, suggestions)
     returning points`,
    [
      datasetNo,
      itemNo,
      creatorId,
      [...numbers],
      drafts.map((draft) => draft.type),
      drafts.map((draft) => draft.label),
      drafts.map((draft) => json(draft.attributes)),
      drafts.map((draft) => json(draft.coordinates)),
      drafts.map((draft) => json(draft.metadata)),
      drafts.map((draft) => draft.source),
      drafts.map(hashOf),
      drafts.map((draft) => draft.description),
      drafts.map((draft) => json(draft.suggestions)),
    ],
  )
  return rows.reduce((sum, row) => sum + row.points, 0)
}

/** Writes what an annotation says by now; answers the data points it uses. */
export async function updateAnnotationRow(
  tx: DbClient,
  at: { readonly datasetNo: number; readonly annotationNo: string; readonly updaterId: string; readonly nowMs: number },
  draft: AnnotationDraft,
): Promise<number> {
  const { rows } = await tx.query<{ points: number }>(
    `update annotation
        set type = $3, label = $4, attributes = $5, coordinates = $6, metadata = $7, source = $8, hash = $9, description = $10, suggestions = $11,
            updater_id = $12, updated_at = to_timestamp($13::float8 / 1000)
      where dataset_no = $1 and annotation_no = $2 returning points`,
    [
      at.datasetNo,
      at.annotationNo,
      draft.type,
      draft.label,
      json(draft.attributes),
      json(draft.coordinates),
      json(draft.metadata),
      draft.source,
      hashOf(draft),
      draft.description,
      json(draft.suggestions),
      at.updaterId,
      Math.floor(at.nowMs),
    ],
  )
  return rows[0]!.points
}
