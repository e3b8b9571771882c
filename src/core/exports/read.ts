import { isDeepStrictEqual } from 'node:util'
import { advanceCommand } from '#core/commands/commands.ts'
import type { Deps } from '#core/deps.ts'
import { withTransaction } from '#db/connect.ts'
import { encodeMarks, goneLine, type Mark, type MarkedRange, marksAfter, withoutItems } from './marks.ts'
import { countParts, keepPart, savePart } from './parts.ts'
import { readRows } from './rows.ts'
import { type ExportTask, LEASE_SECONDS } from './task.ts'

/** A part of the rows is written when there are so many items in it, or so many bytes. */
const PART_ITEMS = 5_000
const PART_BYTES = 16 * 1024 * 1024

/** What was read of an export at once. */
interface Stretch {
  /** JSON documents of what is given, each with its line end. */
  readonly lines: Buffer[]
  readonly marks: Mark[]
  /** Items that were read, given or not. */
  readonly seen: number
  readonly cursor: string | null
  readonly isEnd: boolean
}

/** Reads some rows into a part and notes it with the cursor: two workers at once read the same part, and one of them is noted. */
export async function readPart(deps: Deps, task: ExportTask): Promise<void> {
  const { commandId } = task
  const { lines, marks, seen, cursor, isEnd } = await readStretch(deps, task)
  const kept = lines.length === 0 ? null : await keepPart(deps, lines)
  const keptMarks = marks.length === 0 ? null : await keepPart(deps, [encodeMarks(marks)], 'application/octet-stream')
  await withTransaction(deps.db, async (tx) => {
    const { rowCount } = await tx.query(
      `update export_task
          set cursor = $2, is_read = $3, records = records + $4, seen = seen + $7, attempts = 0, lease_until = now() + make_interval(secs => $5)
        where command_id = $1 and lease_until is not null and not is_read and cursor is not distinct from $6`,
      [commandId, cursor, isEnd, lines.length, LEASE_SECONDS, task.cursor, seen],
    )
    if (rowCount === 0) return
    if (kept !== null)
      await savePart(tx, commandId, 'rows', {
        ...kept,
        partNo: await countParts(tx, commandId, 'rows'),
        records: lines.length,
      })
    if (keptMarks !== null) {
      const part = { ...keptMarks, partNo: await countParts(tx, commandId, 'marks'), records: marks.length }
      await savePart(tx, commandId, 'marks', part, marks.at(-1)!.id)
    }
    await advanceCommand(tx, commandId, (90 * (task.seen + seen)) / Math.max(1, task.total))
  })
}

/**
 * Reads on from the cursor. Compared with a base it goes no further than one part of the base's marks, however few items are left of those: so neither the marks
 * nor what is gone is ever in memory as a whole.
 */
async function readStretch(deps: Deps, task: ExportTask): Promise<Stretch> {
  const { datasetNo, plan, base } = task
  const of = { datasetNo, plan, caller: { userId: task.userId, email: task.email } }
  const before = base === null ? null : await marksAfter(deps, base.commandId, task.cursor)
  const until = before?.lastId ?? null
  const lines: Buffer[] = []
  const marks: Mark[] = []
  let [bytes, seen, isEnd, cursor] = [0, 0, false, task.cursor]
  while (!isEnd && seen < PART_ITEMS && bytes < PART_BYTES) {
    const page = await readRows(deps, of, { after: cursor, until })
    for (const [at, text] of page.lines.entries()) {
      const mark = page.marks[at]
      if (mark !== undefined && before?.marks.get(mark.id) === mark.said) continue
      const line = Buffer.from(`${text}\n`)
      lines.push(line)
      bytes += line.length
    }
    marks.push(...page.marks)
    seen += page.lines.length
    cursor = page.last ?? cursor
    isEnd = page.isEnd
  }
  if (before === null) return { lines, marks, seen, cursor, isEnd }
  if (isEnd) cursor = before.lastId
  for (const id of await findGone(deps, task, before, marks, cursor!))
    lines.push(Buffer.from(`${goneLine(id, task.datasetId!)}\n`))
  return { lines, marks, seen, cursor, isEnd: false }
}

/**
 * What the base gave up to an id and this export does not. Where the base was of another query, an item that is there may merely not be asked for: only those that
 * are no items any more are gone.
 */
async function findGone(
  deps: Deps,
  { datasetNo, base, plan }: ExportTask,
  before: MarkedRange,
  marks: readonly Mark[],
  until: string,
): Promise<string[]> {
  const found = new Set(marks.map(({ id }) => id))
  const missed = [...before.marks.keys()].filter((id) => id <= until && !found.has(id))
  if (missed.length === 0 || isDeepStrictEqual(base!.items, plan.items)) return missed
  return withoutItems(deps.db, datasetNo, missed)
}
