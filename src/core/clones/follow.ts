import { type MarkTarget, markFound, markMissing } from '#core/catalog/catalog.ts'
import type { Deps } from '#core/deps.ts'
import { writeItems } from '#core/items/items.ts'
import type { Db, DbClient } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'

/** Name of the job that lets clones follow what became of their masters' files. */
export const CLONE_FOLLOW_JOB = 'clone.follow'
/** Clones looked at before the next are. */
const CHUNK_ITEMS = 5_000

/** Has the clones of a dataset's items looked at, if there are any, in the transaction that marked, removed or found again some of those. */
export async function followMaster(deps: Deps, tx: Db, datasetNo: number): Promise<void> {
  const { rows } = await tx.query<{ found: boolean }>(
    'select exists (select 1 from item where origin_dataset_no = $1 and origin_item_no is not null) as found',
    [datasetNo],
  )
  if (rows[0]?.found !== true) return
  await deps.queue.enqueue(tx, CLONE_FOLLOW_JOB, { datasetNo }, { key: `clone-follow:${datasetNo}` })
}

interface Clone {
  readonly datasetNo: number
  readonly itemNo: string
  readonly originNo: string
  readonly isMissing: boolean
  readonly key: string
  readonly driverId: string
}

interface Master {
  readonly itemNo: string
  /** Whether its file is there; null: nobody knows, because a person deleted or excluded the item. */
  readonly isThere: boolean | null
  readonly key: string
  readonly driverId: string | null
}

/**
 * For the job: marks the clones of a dataset's items as missing whose file was found to be gone at the master, and takes the mark off where it is back
 * (CM-15). Only clones that refer to the very object of their master are meant. New files of the master do not come into its clones, and a master's item that
 * somebody deleted says nothing about the file. What it finds done it leaves, so it may run any number of times. Answers false when it was stopped before the end.
 */
export async function followClones(deps: Deps, datasetNo: number, signal: AbortSignal): Promise<boolean> {
  let last: Clone | null = null
  for (;;) {
    if (signal.aborted) return false
    const clones: Clone[] = await nextClones(deps.db, datasetNo, last)
    if (clones.length === 0) return true
    last = clones.at(-1)!
    const masters = await readMasters(
      deps.db,
      datasetNo,
      clones.map(({ originNo }) => originNo),
    )
    const differing = clones.filter(({ originNo, isMissing, key, driverId }) => {
      const master = masters.get(originNo)
      return master?.isThere === isMissing && master.key === key && master.driverId === driverId
    })
    for (const no of new Set(differing.map((clone) => clone.datasetNo)))
      await markClones(
        deps,
        no,
        differing.filter((clone) => clone.datasetNo === no),
      )
  }
}

async function nextClones(db: Db, datasetNo: number, after: Clone | null): Promise<Clone[]> {
  const { rows } = await db.query<Clone>(
    `select dataset_no as "datasetNo", item_no::text as "itemNo", origin_item_no::text as "originNo", state = 1 as "isMissing", object_key as key,
            object_driver_id as "driverId"
       from item
      where origin_dataset_no = $1 and origin_item_no >= $2::bigint and (origin_item_no, dataset_no, item_no) > ($2::bigint, $3::int, $4::bigint)
        and state in (0, 1) and object_key is not null and object_driver_id is not null
      order by origin_item_no, dataset_no, item_no limit $5`,
    [datasetNo, after?.originNo ?? '0', after?.datasetNo ?? 0, after?.itemNo ?? '0', CHUNK_ITEMS],
  )
  return rows
}

async function readMasters(db: Db, datasetNo: number, itemNos: readonly string[]): Promise<Map<string, Master>> {
  const columns = (row: string) =>
    `${row}.item_no::text as "itemNo", coalesce(${row}.object_key, v.folder || d.path || ${row}.name) as key, coalesce(${row}.object_driver_id, s.driver_id) as "driverId"`
  const from = (table: string) =>
    `from ${table} x join dataset s on s.dataset_no = x.dataset_no left join driver v on v.id = s.driver_id
       join dir d on d.dataset_no = x.dataset_no and d.dir_no = x.dir_no where x.dataset_no = $1 and x.item_no = any($2::bigint[])`
  const { rows } = await db.query<Master>(
    `select ${columns('x')}, case x.state when 0 then true when 1 then false end as "isThere" ${from('item')}
     union all
     select ${columns('x')}, case x.reason when 'gone' then false end ${from('removed')}`,
    [datasetNo, [...itemNos]],
  )
  return new Map(rows.map((row) => [row.itemNo, row]))
}

/** Marks clones of one dataset, and has their own clones looked at. One that is read-only or held stays as it is. */
async function markClones(deps: Deps, datasetNo: number, clones: readonly Clone[]): Promise<void> {
  const numbers = (isMissing: boolean) =>
    clones.filter((clone) => clone.isMissing === isMissing).map(({ itemNo }) => itemNo)
  const mark = async (tx: DbClient, target: MarkTarget) => {
    await markMissing(tx, target, numbers(false))
    await markFound(tx, target, numbers(true))
    await followMaster(deps, tx, datasetNo)
  }
  try {
    await writeItems(deps, datasetNo, ({ tx, dataset, ticket, nowMs }) =>
      mark(tx, { datasetNo, orgId: dataset.orgId, ticket, nowMs }),
    )
  } catch (error) {
    const isLeft = error instanceof AppError && /^dataset\.(readonly|locked|not_found)$/.test(error.code)
    if (!isLeft) throw error
    deps.log.info({ datasetNo, items: clones.length, code: error.code }, 'clones were left as they are')
  }
}
