import type { Db } from '#db/connect.ts'

/** Whether another organization has proven that this service account trusts this server. Addresses of Google's accounts know no case. */
export async function isClaimedElsewhere(db: Db, orgId: string, email: string): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    `select exists (
       select 1 from integration
        where type = 'gcp-cross' and org_id <> $1 and trust->>'status' = 'trust-established' and lower(trust->>'account') = lower($2)
     ) as found`,
    [orgId, email],
  )
  return rows[0]!.found
}
