import type { Db } from '#db/connect.ts'
import type { Caller } from '../deps.ts'

/** A folder on this server whose changes are watched. */
export interface WatchedFolder {
  readonly driverId: string
  /** Another text whenever it has to be watched anew. */
  readonly stamp: string
  readonly rootPath: string
  readonly folder: string
}

/** The folders whose drivers say `watch` and are used by a dataset that was synced at least once. */
export async function findWatchedFolders(db: Db): Promise<WatchedFolder[]> {
  const { rows } = await db.query<WatchedFolder>(
    `select v.id as "driverId", v.epoch::text as stamp, v.config ->> 'rootPath' as "rootPath", v.folder
       from driver v
      where v.type = 'local' and v.state = 'ready' and v.config -> 'watch' = 'true'
        and exists (select 1 from dataset d where d.driver_id = v.id and d.last_synced_at is not null and d.kind = 'master' and not d.is_readonly)
      order by v.id`,
  )
  return rows
}

/** A dataset of a watched folder, and in whose name it is synced: whoever changed its settings last, or an owner of the project. */
export interface WatchedDataset {
  readonly datasetNo: number
  readonly caller: Caller
}

/** The datasets of a driver that were synced at least once. */
export async function findWatchedDatasets(db: Db, driverId: string): Promise<WatchedDataset[]> {
  const { rows } = await db.query<{ datasetNo: number; userId: string; email: string }>(
    `select d.dataset_no as "datasetNo", u.id as "userId", u.email
       from dataset d
       cross join lateral (
         select m.user_id from project_member m
          where m.project_id = d.project_id and (m.user_id = d.options #>> '{sync,editorId}' or m.role = 'owner')
          order by m.user_id = d.options #>> '{sync,editorId}' desc nulls last, m.created_at limit 1
       ) who
       join user_account u on u.id = who.user_id
      where d.driver_id = $1 and d.last_synced_at is not null and d.kind = 'master' and not d.is_readonly
      order by d.dataset_no`,
    [driverId],
  )
  return rows.map(({ datasetNo, userId, email }) => ({ datasetNo, caller: { userId, email } }))
}
