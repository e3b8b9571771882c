import { type Db, type DbPool, withTransaction } from '#db/connect.ts'
import { countPoints, lockDataPoints, saveUsed } from './queries.ts'

/** An organization whose counter does not agree with its rows. */
export interface DataPointDrift {
  readonly orgId: string
  /** What the counter says. */
  readonly used: number
  /** What the items in its datasets and their annotations use, counted one by one. */
  readonly counted: number
}

/**
 * The organizations whose counter of data points is not what their items and annotations use; none is what should come out.
 *
 * One statement, so true at one moment whoever writes meanwhile. Reads every item and annotation: seconds for tens of millions. For tests and a doctor.
 */
export async function auditDataPoints(db: Db): Promise<DataPointDrift[]> {
  return (await countPoints(db)).filter((org) => org.used !== org.counted)
}

/** Counts again where the audit finds a difference, and sets the counter right; answers what was wrong. Writers of that organization wait. */
export async function repairDataPoints(pool: DbPool): Promise<DataPointDrift[]> {
  const repaired: DataPointDrift[] = []
  for (const { orgId } of await auditDataPoints(pool)) {
    await withTransaction(pool, async (tx) => {
      // Whoever has committed rows has counted them before this lock was given; whoever has not waits for it and counts on top.
      await lockDataPoints(tx, orgId)
      for (const org of await countPoints(tx, orgId)) {
        if (org.used === org.counted) continue
        await saveUsed(tx, orgId, org.counted)
        repaired.push(org)
      }
    })
  }
  return repaired
}
