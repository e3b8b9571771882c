import { AppError } from '#lib/app-error.ts'
import type { Caller, Deps } from '../deps.ts'
import { isLockedSql } from './writable.ts'

/** What of a dataset is changed; what is left out stays. */
export interface DatasetChange {
  readonly name?: string | undefined
  /** Each part that is given replaces the old one. */
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined
  /** Whether `metadata.system` is changed as well. */
  readonly withSystem: boolean
  readonly isReadonly?: boolean | null | undefined
  /** Time of the last change that the caller knows of, as ISO text; undefined where they do not say. */
  readonly knownAt?: string | null | undefined
  readonly expirationOptions?: { readonly itemMaxDays: number | null } | null | undefined
}

/**
 * Changes a dataset's name, metadata, item lifetime and the person's own switch for read-only.
 *
 * The vendor's SDK sends the whole dataset back with every change, and shows a locked dataset as read-only. So what it says of read-only counts only where
 * no lock stands between what the caller saw and now; otherwise a script that saw the lock would make the dataset read-only for good.
 * Errors: `dataset.not_found`, `dataset.name_taken`.
 */
export async function updateDataset(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  change: DatasetChange,
): Promise<void> {
  const metadata = Object.fromEntries(
    Object.entries(change.metadata ?? {}).filter(
      ([part, value]) => value !== null && (change.withSystem || part !== 'system'),
    ),
  )
  const knownMs = Date.parse(change.knownAt ?? '')
  try {
    const { rowCount } = await deps.db.query(
      `update dataset d
          set name = coalesce($2, name), metadata = metadata || $3::jsonb, options = options || $4::jsonb, updater_id = $5, updated_at = now(),
              is_readonly = case when $6::boolean is null or ${isLockedSql} then is_readonly
                                 when d.locked_until is not null and d.locked_until > to_timestamp($7::float8 / 1000) then is_readonly
                                 else $6 end
        where dataset_no = $1`,
      [
        datasetNo,
        change.name ?? null,
        JSON.stringify(metadata),
        JSON.stringify(change.expirationOptions ? { expirationOptions: change.expirationOptions } : {}),
        caller.userId,
        change.isReadonly ?? null,
        Number.isFinite(knownMs) ? knownMs : null,
      ],
    )
    if (rowCount === 0) throw new AppError('dataset.not_found')
  } catch (error) {
    if ((error as { code?: unknown }).code === '23505') throw new AppError('dataset.name_taken', { cause: error })
    throw error
  }
}

/** Ends the lock that an export holds; the time it ended is kept. Throws `dataset.not_locked` where there is none. */
export async function unlockDataset(deps: Deps, caller: Caller, datasetNo: number): Promise<void> {
  const { rowCount } = await deps.db.query(
    `update dataset d set locked_until = now(), updated_at = now(), updater_id = $2 where dataset_no = $1 and ${isLockedSql}`,
    [datasetNo, caller.userId],
  )
  if (rowCount === 0) throw new AppError('dataset.not_locked')
}
