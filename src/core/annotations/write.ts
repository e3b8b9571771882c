import { requireWritable } from '#core/datasets/datasets.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { withRepeats } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { mergePatch } from '#lib/merge-patch.ts'
import { countAnnotations, lockItemsOfAnnotations, recountPoints } from './counters.ts'
import { type AnnotationDraft, readDraft } from './draft.ts'
import { takeAnnotationNumbers } from './numbers.ts'
import { type AnnotationRow, annotationColumns } from './render.ts'
import { insertAnnotations, updateAnnotationRow } from './rows.ts'

type Sent = Readonly<Record<string, unknown>>

/**
 * Adds annotations to an item: all of them, or none when one is malformed. Answers their numbers in the order they came in.
 * Throws `annotation.invalid` with the place, `item.not_found`, `dataset.readonly`, `dataset.locked`, `quota.exceeded`.
 */
export async function createAnnotations(
  deps: Deps,
  caller: Caller,
  at: { readonly datasetNo: number; readonly itemNo: string },
  sent: readonly Sent[],
): Promise<string[]> {
  const drafts = sent.map((annotation, index) => readDraft(annotation, `body.${index}`))
  if (drafts.length === 0) return []
  const numbers = await takeAnnotationNumbers(deps, at.datasetNo, drafts.length)
  await withRepeats(deps.db, async (tx) => {
    const dataset = await requireWritable(tx, at.datasetNo)
    const items = await lockItemsOfAnnotations(tx, at.datasetNo, [at.itemNo])
    if (items.size === 0) throw new AppError('item.not_found')
    const points = await insertAnnotations(tx, { ...at, creatorId: caller.userId }, numbers, drafts)
    await countAnnotations(tx, dataset, items, new Map([[at.itemNo, drafts.length]]), points)
  })
  return numbers
}

/**
 * Deletes annotations of a dataset; those that are gone already, or whose item was removed, are left out. Answers how many. In one transaction, so callers
 * with many give some thousand at a time. Throws `dataset.readonly`, `dataset.locked`, `dataset.not_found`.
 */
export async function deleteAnnotations(
  deps: Deps,
  _caller: Caller,
  datasetNo: number,
  annotationNos: readonly string[],
): Promise<number> {
  if (annotationNos.length === 0) return 0
  return withRepeats(deps.db, async (tx) => {
    const dataset = await requireWritable(tx, datasetNo)
    const of = await tx.query<{ no: string }>(
      'select distinct item_no::text as no from annotation where dataset_no = $1 and annotation_no = any($2::bigint[])',
      [datasetNo, [...annotationNos]],
    )
    const items = await lockItemsOfAnnotations(
      tx,
      datasetNo,
      of.rows.map((row) => row.no),
    )
    const { rows } = await tx.query<{ no: string; points: number }>(
      `delete from annotation where dataset_no = $1 and annotation_no = any($2::bigint[]) and item_no = any($3::bigint[]) returning item_no::text as no, points`,
      [datasetNo, [...annotationNos], [...items.keys()]],
    )
    const changes = new Map<string, number>()
    for (const { no } of rows) changes.set(no, (changes.get(no) ?? 0) - 1)
    const points = rows.reduce((sum, row) => sum + row.points, 0)
    await countAnnotations(tx, dataset, items, changes, -points)
    return rows.length
  })
}

/** What of `metadata.system` is the annotation itself, and can be changed by everybody who may change its label. */
const ownSystem = [
  'attributes',
  'snapshots_',
  'frame',
  'endFrame',
  'startTime',
  'endTime',
  'objectId',
  'parentId',
  'coordinateVersion',
] as const

/**
 * Merges a change into an annotation, as the SDK sends it: objects name by name, null takes away, lists are replaced. Of `metadata.system` only what the
 * annotation consists of is changed, unless `withSystem`. Throws `annotation.not_found`, `annotation.invalid`, `dataset.readonly`, `dataset.locked`,
 * `quota.exceeded` (where it gets more key frames than data points are free).
 */
export async function updateAnnotation(
  deps: Deps,
  caller: Caller,
  at: { readonly datasetNo: number; readonly annotationNo: string },
  change: Sent,
  withSystem: boolean,
): Promise<void> {
  await withRepeats(deps.db, async (tx) => {
    const dataset = await requireWritable(tx, at.datasetNo)
    // The item is held as by everybody who writes its annotations: who takes it away meanwhile gives back what its annotations are worth.
    const { rows } = await tx.query<AnnotationRow & { points: number }>(
      `select ${annotationColumns}, a.points from annotation a join item i on i.dataset_no = a.dataset_no and i.item_no = a.item_no
        where a.dataset_no = $1 and a.annotation_no = $2 for no key update of i for update of a`,
      [at.datasetNo, at.annotationNo],
    )
    if (rows[0] === undefined) throw new AppError('annotation.not_found')
    const draft = mergeDraft(rows[0], withSystem ? change : withoutSystem(change))
    const points = await updateAnnotationRow(tx, { ...at, updaterId: caller.userId, nowMs: deps.clock.now() }, draft)
    await recountPoints(tx, dataset, points - rows[0].points)
  })
}

/** The change without what only `?system=true` may touch. */
function withoutSystem(change: Sent): Sent {
  const metadata = change.metadata
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return change
  const { system, ...others } = metadata as Record<string, unknown>
  if (typeof system !== 'object' || system === null) return { ...change, metadata: others }
  const kept = Object.entries(system).filter(([name]) => (ownSystem as readonly string[]).includes(name))
  return { ...change, metadata: { ...others, system: Object.fromEntries(kept) } }
}

function mergeDraft(row: AnnotationRow, change: Sent): AnnotationDraft {
  const stored = {
    type: row.type,
    label: row.label,
    attributes: row.attributes,
    coordinates: row.coordinates,
    metadata: row.metadata,
    source: row.source,
    description: row.description,
    labelSuggestions: row.suggestions,
  }
  // The whole of it is lent to the SDK, which sends nulls for what it does not know of: they change nothing that cannot be without.
  const { type, label, metadata, ...others } = change
  const required = Object.entries({ type, label, metadata }).filter(
    ([, value]) => value !== null && value !== undefined,
  )
  const merged = mergePatch(stored, { ...others, ...Object.fromEntries(required) }) as Record<string, unknown>
  return readDraft(merged, 'body')
}
