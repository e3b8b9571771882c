import type { SyncSettings } from '#contract/sync-settings.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Caller, Deps } from '../deps.ts'
import { compilePatterns } from './compile.ts'

/** How a dataset is synced when nobody has said anything: everything, by hand. */
const defaults: SyncSettings = { include: [], exclude: [], matchMoved: false, rescan: null }

/** `dataset.options` as far as it is ours. `editorId` is who changed the settings last: scheduled syncs run in their name. */
interface StoredOptions {
  readonly sync?: Partial<SyncSettings> & { readonly editorId?: string }
}

/** What may be changed; what is left out stays as it is. */
export type SyncSettingsChange = { readonly [Name in keyof SyncSettings]?: SyncSettings[Name] | undefined }

/** Reads the settings out of a dataset's `options` column; what was never set has its default. */
export function syncSettingsOf(options: unknown): SyncSettings {
  const { sync = {} } = (options ?? {}) as StoredOptions
  return {
    include: sync.include ?? defaults.include,
    exclude: sync.exclude ?? defaults.exclude,
    matchMoved: sync.matchMoved ?? defaults.matchMoved,
    rescan: sync.rescan ?? defaults.rescan,
  }
}

/** The settings of a dataset. */
export async function getSyncSettings(db: Db, datasetNo: number): Promise<SyncSettings> {
  return await readSettings(db, 'select options from dataset where dataset_no = $1', datasetNo)
}

/**
 * Changes the settings of a dataset and answers them. Throws `patterns.invalid` with the place of a pattern that cannot be used; nothing is then changed.
 */
export async function updateSyncSettings(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  change: SyncSettingsChange,
): Promise<SyncSettings> {
  return await withTransaction(deps.db, async (tx) => {
    // Two who change different parts at once must not undo one another, and limits are those of both lists together.
    const before = await readSettings(
      tx,
      'select options from dataset where dataset_no = $1 for no key update',
      datasetNo,
    )
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
    const after: SyncSettings = { ...before, ...given }
    compilePatterns(after)
    await tx.query(
      `update dataset set options = options || jsonb_build_object('sync', $2::jsonb), updater_id = $3, updated_at = now() where dataset_no = $1`,
      [datasetNo, JSON.stringify({ ...after, editorId: caller.userId }), caller.userId],
    )
    return after
  })
}

async function readSettings(db: Db, sql: string, datasetNo: number): Promise<SyncSettings> {
  const { rows } = await db.query<{ options: unknown }>(sql, [datasetNo])
  if (rows[0] === undefined) throw new AppError('dataset.not_found')
  return syncSettingsOf(rows[0].options)
}
