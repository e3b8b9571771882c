import type { Db } from '#db/connect.ts'
import { LeaseLost } from '../queries.ts'

/** Numbers taken at once, so that most batches need not ask: a few batches' worth. What is left at a slice's end is never used, which is no harm. */
const ITEMS_AT_ONCE = 100_000
const FOLDERS_AT_ONCE = 2_000

/**
 * Item and folder numbers of one dataset for one slice, taken in blocks in a statement of their own, so that nobody waits for a long transaction.
 *
 * An item number carries the time at which its block was taken (src/lib/ids.ts), so ids and creation times always agree in order.
 */
export class NumberStock {
  #nextItem = 0n
  #itemsLeft = 0
  #nextFolder = 0
  #foldersLeft = 0

  /** Takes consecutive numbers for rows and folders. */
  async take(
    db: Db,
    target: { readonly datasetNo: number; readonly nowMs: number },
    items: number,
    folders: number,
  ): Promise<{ firstItemNo: bigint; firstDirNo: number }> {
    if (items > this.#itemsLeft || folders > this.#foldersLeft) await this.#refill(db, target, items, folders)
    const taken = { firstItemNo: this.#nextItem, firstDirNo: this.#nextFolder }
    this.#nextItem += BigInt(items)
    this.#itemsLeft -= items
    this.#nextFolder += folders
    this.#foldersLeft -= folders
    return taken
  }

  async #refill(
    db: Db,
    target: { readonly datasetNo: number; readonly nowMs: number },
    items: number,
    folders: number,
  ): Promise<void> {
    const itemsWanted = Math.max(items, ITEMS_AT_ONCE)
    const foldersWanted = Math.max(folders, FOLDERS_AT_ONCE)
    // greatest() keeps numbers growing when the clock steps back.
    const { rows } = await db.query<{ last_item_no: string; last_dir_no: number }>(
      `update dataset_numbers
          set last_item_no = greatest(last_item_no, ($2::bigint << 21) - 1) + $3, last_dir_no = last_dir_no + $4
        where dataset_no = $1
        returning last_item_no::text as last_item_no, last_dir_no`,
      [target.datasetNo, target.nowMs, itemsWanted, foldersWanted],
    )
    const row = rows[0]
    if (!row) throw new LeaseLost('The dataset is gone.')
    this.#nextItem = BigInt(row.last_item_no) - BigInt(itemsWanted) + 1n
    this.#itemsLeft = itemsWanted
    this.#nextFolder = row.last_dir_no - foldersWanted + 1
    this.#foldersLeft = foldersWanted
  }
}
