import type { Db, DbClient } from '#db/connect.ts'

/** Takes a ticket: of two readings the one with the greater ticket began later (D12). Taken before the storage is read, never after. */
export async function takeTicket(db: Db): Promise<number> {
  const { rows } = await db.query<{ ticket: number }>(`select nextval('ticket') as ticket`)
  return rows[0]!.ticket
}

/** Whether a reading is newer than the beginning of the source's last sync; holds the floor where it is until the transaction ends. */
export async function isAboveFloor(tx: DbClient, sourceNo: number, ticket: number): Promise<boolean> {
  const { rows } = await tx.query<{ floor: number }>('select floor from source where source_no = $1 for share', [
    sourceNo,
  ])
  return rows[0] !== undefined && ticket > rows[0].floor
}
