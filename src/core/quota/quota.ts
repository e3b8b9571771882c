import type { DataPoints } from '#contract/quota.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { grouped } from '#lib/grouped.ts'
import { readDataPoints, saveLimit, subtractUsed, tryAddUsed } from './queries.ts'

export { auditDataPoints, type DataPointDrift, repairDataPoints } from './audit.ts'

/** Fewer data points are free than are needed. Says both numbers to people, and carries them for programs in `details`. */
export class QuotaExceeded extends AppError {
  readonly needed: number
  readonly free: number

  constructor(needed: number, free: number) {
    super('quota.exceeded', {
      message:
        `The organization’s quota does not suffice: ${grouped(needed)} data points are needed and ${grouped(free)} are free. ` +
        'Delete datasets, or ask an owner of the organization to raise the quota.',
      details: { needed, free },
    })
    this.name = 'QuotaExceeded'
    this.needed = needed
    this.free = free
  }
}

/**
 * Reserves `n` data points in the caller's transaction, which is the one that writes the rows they are for.
 *
 * Throws `QuotaExceeded` when fewer are free, and then nothing is reserved. Call it last: the organization's row stays locked until the
 * transaction ends, so that of many writers at once none can pass the limit.
 */
export async function reserveDataPoints(tx: Db, orgId: string, n: number): Promise<void> {
  checkCount(n)
  if (n === 0 || (await tryAddUsed(tx, orgId, n))) return
  // The refused statement has locked the row: these are the numbers it was refused for.
  throw new QuotaExceeded(n, (await freeDataPoints(tx, orgId)) ?? 0)
}

/** Gives back `n` data points in the transaction that drops the rows they were for. Call it last, as `reserveDataPoints`. */
export async function releaseDataPoints(tx: Db, orgId: string, n: number): Promise<void> {
  checkCount(n)
  if (n > 0) await subtractUsed(tx, orgId, n)
}

/** How many data points are free, 0 also where more are used than a lowered limit allows; null: no limit. */
export async function freeDataPoints(db: Db, orgId: string): Promise<number | null> {
  return (await getDataPoints(db, orgId)).free
}

/** An organization's data points as the API shows them. */
export async function getDataPoints(db: Db, orgId: string): Promise<DataPoints> {
  const { used, max } = await readDataPoints(db, orgId)
  return { used, max, free: max === null ? null : Math.max(0, max - used) }
}

/** Sets how many data points an organization may use; null: no limit. Below what is used nothing is removed, but nothing more can be added. */
export async function setDataPointsMax(db: Db, orgId: string, max: number | null): Promise<void> {
  await saveLimit(db, orgId, max)
}

function checkCount(n: number): void {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`${n} is no number of data points`)
}
