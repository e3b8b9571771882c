import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import type { OpenDriver } from '#core/drivers/drivers.ts'
import { addressableKey } from '#storage/key.ts'
import { StorageError } from '#storage/storage-error.ts'
import type { Deps } from '../../deps.ts'

/** Name of the mark in the hidden folder. */
const NAME = 'sluice-mark.txt'
/** Longest mark that is read. */
const BYTES_MAX = 256

/**
 * Whether the bucket still carries the mark that a former sync left there; null where none was left. A bucket that was deleted and made again by
 * somebody, or another one behind the same name, does not have it.
 *
 * Throws what the storage throws, except that a file which is not there, or may not be read, is a mark that is not there.
 */
export async function readMark(deps: Deps, open: OpenDriver): Promise<boolean | null> {
  const { rows } = await deps.db.query<{ mark: string | null }>('select mark from driver where id = $1', [
    open.driver.id,
  ])
  const mark = rows[0]?.mark ?? null
  if (mark === null) return null
  try {
    const opened = await open.storage.read(markKey(deps, open), { range: { start: 0, end: BYTES_MAX - 1 } })
    return (await buffer(opened.body)).toString('latin1').includes(mark)
  } catch (error) {
    if (error instanceof StorageError && (error.kind === 'not-found' || error.kind === 'forbidden')) return false
    throw error
  }
}

/** Leaves the mark in the bucket if there is none, after a sync that has seen everything; says nothing when the storage refuses. */
export async function leaveMark(deps: Deps, open: OpenDriver): Promise<void> {
  if (!open.storage.can.write) return
  const { rows } = await deps.db.query<{ mark: string | null }>('select mark from driver where id = $1', [
    open.driver.id,
  ])
  if (rows[0] === undefined || rows[0].mark !== null) return
  const mark = randomBytes(12).toString('hex')
  const text = `${mark}\nLeft by Sluice, to know this folder again. If it is missing, syncs ask before they mark many files as missing.\n`
  try {
    const body = Buffer.from(text)
    await open.storage.write(markKey(deps, open), body, { sizeBytes: body.length, contentType: 'text/plain' })
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    deps.log.warn({ driver: open.driver.id, kind: error.kind }, 'the mark could not be left in the bucket')
    return
  }
  await deps.db.query('update driver set mark = $2 where id = $1 and mark is null', [open.driver.id, mark])
}

function markKey(deps: Deps, open: OpenDriver): string {
  return addressableKey(`${open.prefix}${deps.config.hiddenFolder}/${NAME}`, {
    provider: open.storage.provider,
    op: 'mark',
  })
}
