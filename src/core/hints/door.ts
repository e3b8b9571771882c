import { getDriver } from '#core/drivers/drivers.ts'
import { withTransaction } from '#db/connect.ts'
import { hiddenFolderTest, inFolder } from '#storage/key.ts'
import type { Deps } from '../deps.ts'
import { markDirty } from './mark.ts'

/** A hint that says nothing to anybody. */
export interface IgnoredHint {
  readonly key: string
  readonly reason: 'outside-folder' | 'hidden-folder'
}

/** What became of hints. */
export interface MarkedHints {
  readonly marked: number
  readonly ignored: readonly IgnoredHint[]
}

/**
 * Marks keys of a driver's bucket as to be read again, because somebody knows better than the last sync: the way in for people and for events.
 *
 * Keys are full keys, as the bucket has them. Those outside the driver's folder and those of the platform's own hidden folder are left out and told;
 * one such key does not keep the others out (UP-08, UP-09). `removes`: an item whose file is really gone is removed, softly, not marked missing.
 */
export async function markDriverKeys(
  deps: Deps,
  driverId: string,
  keys: readonly string[],
  removes: boolean,
): Promise<MarkedHints> {
  const { folder, sourceNo } = await getDriver(deps, driverId)
  const folderBytes = Buffer.from(folder)
  const isHidden = hiddenFolderTest(deps.config.hiddenFolder)
  const wanted: Buffer[] = []
  const ignored: IgnoredHint[] = []
  for (const key of keys) {
    const bytes = Buffer.from(key)
    if (!inFolder(folderBytes, bytes)) ignored.push({ key, reason: 'outside-folder' })
    else if (isHidden(bytes, folderBytes.length, bytes.length)) ignored.push({ key, reason: 'hidden-folder' })
    else wanted.push(bytes)
  }
  await withTransaction(deps.db, (tx) => markDirty(tx, sourceNo, wanted, removes))
  return { marked: wanted.length, ignored }
}
