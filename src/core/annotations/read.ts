import type { Annotation } from '#contract/annotations.ts'
import type { Deps } from '#core/deps.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { type AnnotationRow, annotationColumns, renderAnnotation } from './render.ts'

/** Most annotations of an answer that is not paged. */
const LIST_MAX = 10_000

/** The id of a dataset by its number; throws `dataset.not_found`. */
async function datasetIdOf(db: Db, datasetNo: number): Promise<string> {
  const { rows } = await db.query<{ id: string }>('select id from dataset where dataset_no = $1', [datasetNo])
  if (rows[0] === undefined) throw new AppError('dataset.not_found')
  return rows[0].id
}

/**
 * Annotations of a dataset by their numbers, in the order of the numbers; those that are not there, or whose item was removed, are left out.
 * For answers that show what was just written, and for queries.
 */
export async function readAnnotations(
  deps: Deps,
  datasetNo: number,
  annotationNos: readonly string[],
  baseUrl: string,
): Promise<Annotation[]> {
  const { rows } = await deps.db.query<AnnotationRow>(
    `select ${annotationColumns} from annotation a join item i on i.dataset_no = a.dataset_no and i.item_no = a.item_no
      where a.dataset_no = $1 and a.annotation_no = any($2::bigint[]) order by a.annotation_no`,
    [datasetNo, [...annotationNos]],
  )
  const datasetId = await datasetIdOf(deps.db, datasetNo)
  return rows.map((row) => renderAnnotation(row, datasetId, baseUrl))
}

/** One annotation; throws `annotation.not_found`, also where the item is not the given one. */
export async function getAnnotation(
  deps: Deps,
  at: { readonly datasetNo: number; readonly annotationNo: string; readonly itemId?: string },
  baseUrl: string,
): Promise<Annotation> {
  const [annotation] = await readAnnotations(deps, at.datasetNo, [at.annotationNo], baseUrl)
  if (annotation === undefined || (at.itemId !== undefined && annotation.itemId !== at.itemId))
    throw new AppError('annotation.not_found')
  return annotation
}

/** All annotations of an item, oldest first; 10,000 at most. Throws `item.not_found`. */
export async function listItemAnnotations(
  deps: Deps,
  at: { readonly datasetNo: number; readonly itemNo: string },
  baseUrl: string,
): Promise<Annotation[]> {
  const item = await deps.db.query('select 1 from item where dataset_no = $1 and item_no = $2', [
    at.datasetNo,
    at.itemNo,
  ])
  if (item.rows.length === 0) throw new AppError('item.not_found')
  const { rows } = await deps.db.query<AnnotationRow>(
    `select ${annotationColumns} from annotation a where a.dataset_no = $1 and a.item_no = $2 order by a.annotation_no limit $3`,
    [at.datasetNo, at.itemNo, LIST_MAX],
  )
  const datasetId = await datasetIdOf(deps.db, at.datasetNo)
  return rows.map((row) => renderAnnotation(row, datasetId, baseUrl))
}
