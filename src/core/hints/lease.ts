import type { Db } from '#db/connect.ts'

/** How long a worker may hold a key without ending; longer than any reading and writing of a batch takes. */
const LEASE_SECONDS = 60
/** Wait before a key that could not be read is tried again: a second, doubled with every attempt up to this. */
const BACKOFF_SECONDS_MAX = 900
/** Wait of a key whose rows somebody else was writing. */
const BUSY_SECONDS = 0.5

/** SQL: whether a dirty key may be taken now. */
export const isDue = '(lease_until is null or lease_until < now()) and (not_before is null or not_before <= now())'

/** A dirty key in the hands of one worker. */
export interface HeldKey {
  readonly sourceNo: number
  readonly key: Buffer
  readonly keyHash: Buffer
  /** Ticket of the reading that is to follow, taken before it, and the fence: nobody else ever gets the same. */
  readonly ticket: number
  readonly removes: boolean
  /** Readings that failed in a row before this one. */
  readonly attempts: number
}

/** The lease of a key ran out and another worker has it, or nobody needs it any more. */
export class HoldLost extends Error {}

/**
 * Takes keys of a source that are due, at most `max`, those that wait longest first; in byte order. Only keys that were marked before `pass`, so that one
 * that is marked again and again is read once a pass.
 */
export async function holdKeys(db: Db, sourceNo: number, pass: number, max: number): Promise<HeldKey[]> {
  const { rows } = await db.query<HeldKey>(
    `with due as (
       select key_sha256 from dirty
        where source_no = $1 and marked < $2 and ${isDue}
        order by marked limit $3 for update skip locked
     )
     update dirty d set lease_until = now() + make_interval(secs => $4), fence = nextval('ticket')
       from due where d.source_no = $1 and d.key_sha256 = due.key_sha256
     returning d.source_no as "sourceNo", d.key, d.key_sha256 as "keyHash", d.fence as ticket, d.removes, d.attempts`,
    [sourceNo, pass, max, LEASE_SECONDS],
  )
  return rows.sort((a, b) => a.key.compare(b.key))
}

/**
 * The key was read and written: it is clean, unless it was marked after the reading's ticket was taken; then it is due again. In the transaction that
 * writes, as its last statement. Throws `HoldLost`, and the transaction must not commit.
 */
export async function clearKey(tx: Db, held: HeldKey): Promise<void> {
  const { rowCount } = await tx.query(
    'delete from dirty where source_no = $1 and key_sha256 = $2 and fence = $3 and lease_until is not null and marked < $3',
    [held.sourceNo, held.keyHash, held.ticket],
  )
  if (rowCount === 0) await letGo(tx, held, 'lease_until = null, attempts = 0, error_code = null')
}

/** The reading is older than the source's floor: it says nothing, and the key is marked anew. In a transaction of its own or the one that found out. */
export async function markAgain(tx: Db, held: HeldKey): Promise<void> {
  await letGo(tx, held, `lease_until = null, marked = nextval('ticket')`)
}

/** Somebody else was writing the same rows: soon again. */
export async function releaseBusy(db: Db, held: HeldKey): Promise<void> {
  await letGo(db, held, `lease_until = null, not_before = now() + make_interval(secs => ${BUSY_SECONDS})`)
}

/** The key could not be read, or not be written for want of data points: later again, and later with every time. `code` is shown. */
export async function backOff(db: Db, held: HeldKey, code: string): Promise<void> {
  const seconds = Math.min(BACKOFF_SECONDS_MAX, 2 ** Math.min(held.attempts, 20))
  await letGo(
    db,
    held,
    'lease_until = null, attempts = attempts + 1, error_code = $4, not_before = now() + make_interval(secs => $5)',
    [code, seconds],
  )
}

/** Ends a hold with the given change. */
async function letGo(db: Db, held: HeldKey, change: string, values: readonly unknown[] = []): Promise<void> {
  const { rowCount } = await db.query(
    `update dirty set ${change} where source_no = $1 and key_sha256 = $2 and fence = $3 and lease_until is not null`,
    [held.sourceNo, held.keyHash, held.ticket, ...values],
  )
  if (rowCount === 0) throw new HoldLost('Another worker has the key.')
}
