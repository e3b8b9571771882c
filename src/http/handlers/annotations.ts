import type { annotationRoutes } from '#contract/annotations.ts'
import {
  createAnnotations,
  deleteAnnotations,
  getAnnotation,
  listItemAnnotations,
  readAnnotations,
  updateAnnotation,
} from '#core/annotations/annotations.ts'
import { AppError } from '#lib/app-error.ts'
import { parseItemId } from '#lib/ids.ts'
import type { Handlers } from '../handler.ts'

/** Annotations of items. */
export const annotationHandlers: Handlers<typeof annotationRoutes> = {
  createAnnotations: async (deps, { caller, params, body, baseUrl }) => {
    const at = itemAt(params.itemId)
    const numbers = await createAnnotations(deps, caller, at, Array.isArray(body) ? body : [body])
    const annotations = numbers.length === 0 ? [] : await readAnnotations(deps, at.datasetNo, numbers, baseUrl)
    return Array.isArray(body) ? annotations : annotations[0]!
  },
  listItemAnnotations: (deps, { access, params, baseUrl }) => {
    const at = itemAt(params.itemId)
    if (at.datasetNo !== access.datasetNo) throw new AppError('item.not_found')
    return listItemAnnotations(deps, at, baseUrl)
  },
  listAnnotationsOf: (deps, { params, baseUrl }) => listItemAnnotations(deps, itemAt(params.itemId), baseUrl),
  getAnnotation: (deps, { params, baseUrl }) => getAnnotation(deps, annotationAt(params.annotationId), baseUrl),
  getItemAnnotation: (deps, { access, params, baseUrl }) => {
    const at = annotationAt(params.annotationId)
    if (at.datasetNo !== access.datasetNo) throw new AppError('annotation.not_found')
    return getAnnotation(deps, { ...at, itemId: params.itemId }, baseUrl)
  },
  updateAnnotation: async (deps, { caller, params, query, body, baseUrl }) => {
    const at = annotationAt(params.annotationId)
    await updateAnnotation(deps, caller, at, body, query.system === 'true')
    return await getAnnotation(deps, at, baseUrl)
  },
  deleteAnnotation: async (deps, { caller, params }) => {
    const { datasetNo, annotationNo } = annotationAt(params.annotationId)
    const count = await deleteAnnotations(deps, caller, datasetNo, [annotationNo])
    if (count === 0) throw new AppError('annotation.not_found')
    return { success: true }
  },
}

/** An item's numbers; a folder has no annotations. */
function itemAt(itemId: string) {
  const at = parseItemId(itemId)
  if (at === null || 'dirNo' in at) throw new AppError('item.not_found')
  return at
}

/** An annotation's numbers: its id is made as an item's is. */
function annotationAt(annotationId: string) {
  const at = parseItemId(annotationId)
  if (at === null || 'dirNo' in at) throw new AppError('annotation.not_found')
  return { datasetNo: at.datasetNo, annotationNo: at.itemNo }
}
