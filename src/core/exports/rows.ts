import type { Annotation } from '#contract/annotations.ts'
import type { Item } from '#contract/items.ts'
import { type AnnotationRow, annotationColumns, renderAnnotation } from '#core/annotations/annotations.ts'
import type { Deps } from '#core/deps.ts'
import { queryAnnotationRows, queryItems } from '#core/items/items.ts'
import type { ExportPlan } from './request.ts'

/** Items of a page: as many as a query gives. */
const PAGE_ITEMS = 1_000
/** Annotations read at once; an item may have thousands, each with a picture in it. */
const PAGE_ANNOTATIONS = 500

/** Some rows of an export. */
export interface Rows {
  /** JSON documents, one an item. */
  readonly lines: string[]
  /** Id of the last item; null: there were none. */
  readonly last: string | null
  readonly isEnd: boolean
}

function filterAnd(selection: Readonly<Record<string, unknown>>, more: readonly unknown[]) {
  const filter = selection.filter === undefined ? [] : [selection.filter]
  return { ...selection, filter: { $and: [...filter, ...more] } }
}

/** Counts what is to be exported, and so finds out whether the queries are well-formed. Throws `query.invalid`, `query.too_slow`. */
export async function countRows(deps: Deps, datasetNo: number, plan: ExportPlan): Promise<number> {
  if (plan.annotations !== null)
    await queryAnnotationRows(deps, datasetNo, { ...filterAnd(plan.annotations, []), pageSize: 1 }, annotationColumns)
  const query = { ...filterAnd(plan.items, [{ type: 'file' }]), pageSize: 0 }
  return (await queryItems(deps, datasetNo, query, plan.baseUrl)).totalItemsCount
}

/** Reads the next rows behind an item, in the order of ids. */
export async function readRows(deps: Deps, datasetNo: number, plan: ExportPlan, after: string | null): Promise<Rows> {
  const behind = after === null ? [] : [{ id: { $gt: after } }]
  const query = {
    ...filterAnd(plan.items, [{ type: 'file' }, ...behind]),
    sort: { id: 'ascending' },
    page: 0,
    pageSize: PAGE_ITEMS,
  }
  const { items, hasNextPage } = await queryItems(deps, datasetNo, query, plan.baseUrl)
  const annotations = plan.withAnnotations ? await annotationsOf(deps, datasetNo, plan, items) : null
  return {
    lines: items.map((item) =>
      JSON.stringify(annotations === null ? item : { ...item, annotations: annotations.get(item.id) ?? [] }),
    ),
    last: items.at(-1)?.id ?? null,
    isEnd: !hasNextPage,
  }
}

type Found = Awaited<ReturnType<typeof queryAnnotationRows<AnnotationRow>>>

/** The annotations of some items by the items' ids, oldest first. */
async function annotationsOf(
  deps: Deps,
  datasetNo: number,
  plan: ExportPlan,
  items: readonly Item[],
): Promise<Map<string, Annotation[]>> {
  const found = new Map<string, Annotation[]>()
  const itemIds = items.filter((item) => item.annotated).map((item) => item.id)
  if (itemIds.length === 0) return found
  let last: string | null = null
  for (;;) {
    const behind: unknown[] = last === null ? [] : [{ id: { $gt: last } }]
    const query = {
      ...filterAnd(plan.annotations ?? {}, [{ itemId: { $in: itemIds } }, ...behind]),
      sort: { id: 'ascending' },
      page: 0,
      pageSize: PAGE_ANNOTATIONS,
    }
    const { page, view }: Found = await queryAnnotationRows<AnnotationRow>(deps, datasetNo, query, annotationColumns)
    for (const row of page.items) {
      const list = found.get(row.item_id) ?? []
      list.push(renderAnnotation(row, view.datasetId, plan.baseUrl))
      found.set(row.item_id, list)
    }
    last = page.items.at(-1)?.id ?? null
    if (last === null || !page.hasNextPage) return found
  }
}
