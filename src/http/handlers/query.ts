import type { queryRoutes } from '#contract/query.ts'
import { projectRoles } from '#contract/route.ts'
import {
  type AnnotationRow,
  annotationColumns,
  deleteAnnotations,
  renderAnnotation,
} from '#core/annotations/annotations.ts'
import { actOnQuery, queryAnnotationRows, queryItems, queryPurpose } from '#core/items/items.ts'
import { AppError } from '#lib/app-error.ts'
import type { Handlers } from '../handler.ts'

/** Queries of items and annotations. */
export const queryHandlers: Handlers<typeof queryRoutes> = {
  queryItems: async (deps, { access, caller, body, baseUrl }) => {
    const datasetNo = access.datasetNo!
    const { resource, isChange } = queryPurpose(body)
    if (isChange) {
      // Annotating is everybody's work; items are changed by whoever builds with them.
      if (resource === 'items' && projectRoles.indexOf(access.projectRole!) > projectRoles.indexOf('engineer'))
        throw new AppError('access.forbidden')
      return await actOnQuery(deps, caller, datasetNo, body, { deleteAnnotations })
    }
    if (resource === 'items') return await queryItems(deps, datasetNo, body, baseUrl)
    const { page, view } = await queryAnnotationRows<AnnotationRow>(deps, datasetNo, body, annotationColumns)
    return { ...page, items: page.items.map((row) => renderAnnotation(row, view.datasetId, baseUrl)) }
  },
}
