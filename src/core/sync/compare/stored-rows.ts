import pg from 'pg'
import type { DbClient } from '#db/connect.ts'
import { copyOut } from '#db/copy-out.ts'
import { COPY_HEADER } from '../rows/row-buffer.ts'
import { BEHIND_ALL_LENGTH, textAtMost, type Window } from './windows.ts'

/**
 * Places inside a stored row as the database sends it: a count of columns, then length and bytes of each. From the name on it is what `RowBuffer`
 * writes, so the two are compared without reading either.
 */
export const stored = {
  window: 6,
  itemNo: 14,
  ticket: 26,
  size: 38,
  modified: 50,
  flags: 62,
  state: 68,
  name: 70,
} as const

/** Number of columns that says that no row follows. */
const TRAILER = -1

/** Where a stored row that begins at `at` ends. */
function storedEnd(bytes: Buffer, at: number): number {
  const etag = at + stored.name + 4 + bytes.readUInt32BE(at + stored.name)
  return etag + 4 + bytes.readUInt32BE(etag)
}

/**
 * Reads the rows of the windows and hands each over as bytes; rows of one window come together, in the order of their names. `take` is given the
 * buffer and where the row begins and ends; it must keep neither.
 *
 * COPY because its rows cost a fraction of a result's: no text, no object, no name.
 */
export async function readStoredRows(
  client: DbClient,
  datasetNo: number,
  windows: readonly Window[],
  take: (bytes: Buffer, at: number, end: number) => void,
): Promise<void> {
  if (windows.length === 0) return
  let isFirst = true
  await copyOut(client, `copy (${select(datasetNo, windows)}) to stdout (format binary)`, (bytes) => {
    let at = isFirst ? COPY_HEADER.length : 0
    isFirst = false
    while (at < bytes.length && bytes.readInt16BE(at) !== TRAILER) {
      const end = storedEnd(bytes, at)
      take(bytes, at, end)
      at = end
    }
  })
}

const columns = `i.item_no, i.ticket, i.size_bytes, coalesce(i.modified_at, '-infinity'), i.flags, i.state, i.name, i.etag`

/** COPY takes no parameters: numbers are ours, and names are written as literals. */
function select(datasetNo: number, windows: readonly Window[]): string {
  const parts: string[] = []
  const whole: string[] = []
  const bounded: string[] = []
  for (const [index, { folder, low, high }] of windows.entries()) {
    if (low === null && high === null) whole.push(`(${index},${folder.no})`)
    else
      bounded.push(
        `(${index},${folder.no},${pg.escapeLiteral(low === null ? '' : textAtMost(low))},${upperBound(high)})`,
      )
  }
  const rows = (condition: string) =>
    `cross join lateral (select ${columns} from item i where i.dataset_no = ${datasetNo} and i.dir_no = w.dir_no ${condition} order by i.name) i`
  if (whole.length > 0) parts.push(`select w.place, i.* from (values ${whole.join(',')}) w (place, dir_no) ${rows('')}`)
  if (bounded.length > 0)
    parts.push(
      `select w.place, i.* from (values ${bounded.join(',')}) w (place, dir_no, low, high)
       ${rows('and i.name > w.low collate "C" and i.name <= w.high collate "C"')}`,
    )
  return parts.join(' union all ')
}

/** SQL of a text that no name of the window is behind; a name has at most 2,600 bytes. */
function upperBound(high: Buffer | null): string {
  const text = high === null ? '' : textAtMost(high)
  const exact = high !== null && Buffer.byteLength(text) === high.length
  return exact ? pg.escapeLiteral(text) : `${pg.escapeLiteral(text)} || repeat(chr(1114111), ${BEHIND_ALL_LENGTH})`
}
