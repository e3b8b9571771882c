import type { Annotation } from '#contract/annotations.ts'
import type { FeatureVector } from '#contract/features.ts'
import type { Item } from '#contract/items.ts'
import { type AnnotationRow, annotationColumns, renderAnnotation } from '#core/annotations/annotations.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { queryFeatureVectors } from '#core/features/features.ts'
import { queryAnnotationRows, queryItems } from '#core/items/items.ts'
import { type Mark, markOf } from './marks.ts'
import type { ExportPlan } from './request.ts'

/** Items of a page: as many as a query gives. */
const PAGE_ITEMS = 1_000
/** Annotations read at once; each may have a picture in it. */
const PAGE_ANNOTATIONS = 500
/** Rows of a page are cut where their items have more annotations than this together, so that a page fits into memory. */
const ROWS_ANNOTATIONS = 2_000

/** Some rows of an export. */
export interface Rows {
  /** JSON documents, one an item. */
  readonly lines: string[]
  /** What an export in parts keeps of each, in the same order; empty for other exports. */
  readonly marks: Mark[]
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

/** Whose rows are read, and for whom. */
export interface RowsOf {
  readonly datasetNo: number
  readonly plan: ExportPlan
  /** Feature vectors are shown to those in their project. */
  readonly caller: Caller
}

/** A range of items: behind one, and up to and with another one; null: no such end. */
export interface IdRange {
  readonly after: string | null
  readonly until: string | null
}

/** Reads the next rows of a range, in the order of ids. */
export async function readRows(deps: Deps, of: RowsOf, { after, until }: IdRange): Promise<Rows> {
  const { datasetNo, plan } = of
  const range = [after === null ? [] : { id: { $gt: after } }, until === null ? [] : { id: { $lte: until } }].flat()
  const query = {
    ...filterAnd(plan.items, [{ type: 'file' }, ...range]),
    sort: { id: 'ascending' },
    page: 0,
    pageSize: PAGE_ITEMS,
  }
  const page = await queryItems(deps, datasetNo, query, plan.baseUrl)
  const items = plan.withAnnotations ? cut(page.items) : page.items
  const annotations = plan.withAnnotations ? await annotationsOf(deps, datasetNo, plan, items) : null
  const vectors = plan.vectors === null ? null : await vectorsOf(deps, of, plan.vectors, items)
  const rows = items.map((item) => ({
    ...item,
    ...(annotations !== null && { annotations: annotations.get(item.id) ?? [] }),
    ...(vectors !== null && { itemVectors: vectors.get(item.id) ?? [] }),
  }))
  return {
    lines: rows.map((row) => JSON.stringify(row)),
    marks: plan.form === 'parts' ? items.map((item) => markOf(item, annotations?.get(item.id) ?? [])) : [],
    last: items.at(-1)?.id ?? null,
    isEnd: !page.hasNextPage && items.length === page.items.length,
  }
}

/** The first of some items, as many as have not too many annotations together; one at least. */
function cut(items: readonly Item[]): readonly Item[] {
  let annotations = 0
  const end = items.findIndex((item, index) => {
    annotations += item.annotationsCount
    return index > 0 && annotations > ROWS_ANNOTATIONS
  })
  return end < 0 ? items : items.slice(0, end)
}

/** What the SDK asks for of a feature vector. */
type Vector = Pick<FeatureVector, 'featureSetId' | 'value'> & { readonly datasetId: string }

async function vectorsOf(
  deps: Deps,
  { caller, plan }: RowsOf,
  filter: Readonly<Record<string, unknown>>,
  items: readonly Item[],
): Promise<Map<string, Vector[]>> {
  const found = new Map<string, Vector[]>()
  const $and = [filter, { entityId: { $in: items.map((item) => item.id) } }]
  const datasetId = items[0]?.datasetId ?? ''
  for (let page = 0; items.length > 0; page++) {
    const query = { filter: { $and }, sort: { id: 'ascending' as const }, page, pageSize: PAGE_ITEMS }
    const vectors = await queryFeatureVectors(deps, caller, query, plan.baseUrl)
    for (const { entityId, featureSetId, value } of vectors.items) {
      const list = found.get(entityId) ?? []
      list.push({ datasetId, featureSetId, value })
      found.set(entityId, list)
    }
    if (!vectors.hasNextPage) break
  }
  return found
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
