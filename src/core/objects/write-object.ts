import type { Readable } from 'node:stream'
import type { Deps } from '#core/deps.ts'
import { openDriver } from '#core/drivers/drivers.ts'
import type { Entry, Key, Storage, WriteOptions } from '#storage/port.ts'
import { StorageError } from '#storage/storage-error.ts'
import { platformStore } from './platform-store.ts'

/** How long an upload in parts may take before it counts as left by a process that died. */
const LEFT_MS = 24 * 3_600_000
/** Uploads given up in one turn. */
const BATCH = 100

/** Where an object is written: a driver's bucket, or the platform's own store, which has no driver. */
export interface WritePlace {
  readonly storage: Storage
  readonly driverId: string | null
}

/**
 * Writes an object so that nothing of it stays when it does not become whole: an upload in parts is noted before its first part is sent, and what a crash leaves
 * of it is given up by `sweepStartedUploads`. Throws what the storage throws.
 */
export async function writeObject(
  deps: Deps,
  { storage, driverId }: WritePlace,
  key: Key,
  body: Readable | Buffer,
  options: WriteOptions,
): Promise<Entry> {
  let uploadNo: string | null = null
  const onPartsStarted = async (uploadId: string) => {
    const { rows } = await deps.db.query<{ no: string }>(
      'insert into started_upload (driver_id, object_key, upload_id) values ($1, $2, $3) returning upload_no::text as no',
      [driverId, key, uploadId],
    )
    uploadNo = rows[0]!.no
  }
  const source = Buffer.isBuffer(body) ? null : body
  // A storage that refuses the key never touches the body. A file that is removed then, before it was opened, fails in a stream that nobody listens to any more,
  // and that would end the process.
  source?.on('error', () => {})
  let entry: Entry
  try {
    entry = await storage.write(key, body, { ...options, onPartsStarted })
  } catch (error) {
    source?.destroy()
    throw error
  }
  if (uploadNo !== null) await deps.db.query('delete from started_upload where upload_no = $1', [uploadNo])
  return entry
}

/**
 * For the clockwork: gives up uploads in parts that were started a day ago and have not ended, as their parts cost money and are seen by nobody. One that was given
 * up at once, or has ended after all, is not there any more, which is as good. Answers how many are done with.
 */
export async function sweepStartedUploads(deps: Deps, signal: AbortSignal, leftMs = LEFT_MS): Promise<number> {
  const { rows } = await deps.db.query<{ no: string; driverId: string | null; key: string; uploadId: string }>(
    `select upload_no::text as no, driver_id as "driverId", object_key as key, upload_id as "uploadId" from started_upload
      where started_at <= to_timestamp($1::float8 / 1000) order by started_at limit $2`,
    [deps.clock.now() - leftMs, BATCH],
  )
  let done = 0
  for (const { no, driverId, key, uploadId } of rows) {
    if (signal.aborted) break
    try {
      const { storage } = driverId === null ? await platformStore(deps) : await openDriver(deps, driverId)
      await storage.abandonUpload?.(key, uploadId)
    } catch (error) {
      const isRefused = error instanceof StorageError && error.kind === 'forbidden'
      deps.log.warn(
        { err: error, driverId },
        isRefused
          ? 'an unfinished upload may not be given up; a rule of the bucket has to remove it'
          : 'an unfinished upload could not be given up; it is tried again tomorrow',
      )
      if (!isRefused) {
        await deps.db.query('update started_upload set started_at = now() where upload_no = $1', [no])
        continue
      }
    }
    await deps.db.query('delete from started_upload where upload_no = $1', [no])
    done++
  }
  return done
}
