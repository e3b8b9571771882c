import type { Db, DbClient } from '#db/connect.ts'
import type { AbsentItems } from '../compare/compare.ts'

/** Items a statement. */
const ITEMS_MAX = 10_000

/** Keeps items that the listing did not show, to be confirmed when it has ended. */
export async function noteAbsentItems(client: DbClient, runNo: number, absent: AbsentItems): Promise<void> {
  for (const { itemNos, dirNos } of absent.pieces(ITEMS_MAX))
    await client.query(
      `insert into absence (run_no, item_no, dir_no) select $1, a.* from unnest($2::bigint[], $3::int[]) a on conflict do nothing`,
      [runNo, itemNos, dirNos],
    )
}

/** The same for all live items of folders of which the listing showed nothing. */
export async function noteAbsentFolders(
  client: DbClient,
  run: { readonly runNo: number; readonly datasetNo: number; readonly ticket: number },
  dirNos: readonly number[],
): Promise<void> {
  if (dirNos.length === 0) return
  await client.query(
    `insert into absence (run_no, item_no, dir_no)
     select $1, i.item_no, i.dir_no from item i where i.dataset_no = $2 and i.dir_no = any($3::int[]) and i.state = 0 and i.ticket <= $4
     on conflict do nothing`,
    [run.runNo, run.datasetNo, [...dirNos], run.ticket],
  )
}

/** For a reconcile: notes the items that former syncs have marked as missing or excluded and that this one has not found again. */
export async function noteMarked(
  db: Db,
  run: { readonly runNo: number; readonly datasetNo: number; readonly ticket: number },
): Promise<void> {
  await db.query(
    `insert into absence (run_no, item_no, dir_no)
     select $1, i.item_no, i.dir_no from item i where i.dataset_no = $2 and i.state in (1, 2) and i.ticket <= $3
     on conflict do nothing`,
    [run.runNo, run.datasetNo, run.ticket],
  )
}
