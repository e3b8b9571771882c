import type { DbClient } from '#db/connect.ts'
import { fingerprintText } from './fingerprint.ts'
import { dropSegments } from './segments.ts'

/** What the folders of changed items gain or lose: their own counters, and those of the folders above. */
export class FolderChanges {
  readonly #byNo = new Map<number, { items: number; bytes: number; high: number; low: number }>()
  readonly #dirNos: number[] = []
  readonly #names: string[] = []

  /** Adds to a folder's own counters. */
  add(dirNo: number, items: number, bytes: number): void {
    const change = this.#of(dirNo)
    change.items += items
    change.bytes += bytes
  }

  /** Takes the item of this name and hash into its folder's fingerprint, or out of it. */
  flip(dirNo: number, name: Buffer, high: number, low: number): void {
    const change = this.#of(dirNo)
    change.high ^= high
    change.low ^= low
    this.#dirNos.push(dirNo)
    this.#names.push(name.toString('utf8'))
  }

  #of(dirNo: number) {
    let change = this.#byNo.get(dirNo)
    if (!change) {
      change = { items: 0, bytes: 0, high: 0, low: 0 }
      this.#byNo.set(dirNo, change)
    }
    return change
  }

  /** Writes the counters, in the transaction that writes the items. Locks folders in the order of their numbers, as every writer does. */
  async write(tx: DbClient, datasetNo: number): Promise<void> {
    if (this.#byNo.size === 0) return
    const numbers = [...this.#byNo.keys()]
    const changes = [...this.#byNo.values()]
    await tx.query(
      `with recursive above (dir_no, items, bytes, fp, is_own) as (
         select u.dir_no, u.items, u.bytes, u.fp, true from unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[]) u (dir_no, items, bytes, fp)
         union all
         select d.parent_no, a.items, a.bytes, 0::bigint, false
           from above a join dir d on d.dataset_no = $1 and d.dir_no = a.dir_no where d.dir_no > 1
       ), change as (
         select dir_no, sum(items) filter (where is_own) as items, sum(bytes) filter (where is_own) as bytes,
                sum(items) as deep_items, sum(bytes) as deep_bytes, bit_xor(fp) as fp, bool_or(is_own)::int as edits
           from above group by dir_no
       ), locked as (
         select d.dir_no from dir d where d.dataset_no = $1 and d.dir_no in (select dir_no from change) order by d.dir_no for update
       )
       update dir d
          set items = d.items + coalesce(c.items, 0), bytes = d.bytes + coalesce(c.bytes, 0),
              deep_items = d.deep_items + c.deep_items, deep_bytes = d.deep_bytes + c.deep_bytes, fp = d.fp # c.fp,
              edits = d.edits + c.edits
         from change c
        where d.dataset_no = $1 and d.dir_no = c.dir_no and d.dir_no in (select dir_no from locked)`,
      [
        datasetNo,
        numbers,
        changes.map(({ items }) => items),
        changes.map(({ bytes }) => bytes),
        changes.map(({ high, low }) => fingerprintText(high, low)),
      ],
    )
    // With the folders locked, so that `saveSegments` either sees that they were edited or has written what is dropped here.
    await dropSegments(tx, datasetNo, this.#dirNos, (at) => this.#names[at]!)
  }
}
