import type { Deps } from '#core/deps.ts'
import { findWatchedDatasets, findWatchedFolders, markDriverKeys, type WatchedFolder } from '#core/hints/hints.ts'
import { startSync } from '#core/sync/sync.ts'
import { AppError } from '#lib/app-error.ts'
import { type FolderChanges, type FolderWatch, watchFolder } from '#storage/local/watch.ts'

/** How often folders to be watched are looked for, and syncs that could not be started are tried again. */
export const WATCH_MS = 5_000
/** Keys marked in one transaction. */
const MARK_BATCH = 1_000

interface Watched {
  readonly stamp: string
  readonly watch: FolderWatch
  /** Nobody knows what changed: its datasets are to be synced. */
  isSyncOwed: boolean
}

/**
 * Watches the folders on this server whose drivers ask for it: a change of a file becomes a mark of its key, and what nobody can name a sync of the
 * folder's datasets. A watch begins with such a sync, because of what changed before it.
 *
 * Only the machine that does the background work sees the changes, and of a network's folder only its own.
 */
export class LocalWatches {
  readonly #deps: Deps
  readonly #watched = new Map<string, Watched>()
  /** Drivers whose folder could not be watched when it was last tried. */
  readonly #refused = new Set<string>()
  #isRefreshing = false
  #isClosed = false

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** For the clockwork: begins and ends watches as drivers come, change and go, and starts the syncs that are owed. */
  async refresh(): Promise<void> {
    if (this.#isRefreshing || this.#isClosed) return
    this.#isRefreshing = true
    try {
      const wanted = new Map((await findWatchedFolders(this.#deps.db)).map((folder) => [folder.driverId, folder]))
      for (const [driverId, { stamp, watch }] of this.#watched) {
        if (wanted.get(driverId)?.stamp === stamp && (await watch.isStanding())) continue
        watch.close()
        this.#watched.delete(driverId)
      }
      for (const folder of wanted.values()) if (!this.#watched.has(folder.driverId)) await this.#begin(folder)
      for (const [driverId, watched] of this.#watched) if (watched.isSyncOwed) await this.#sync(driverId, watched)
    } finally {
      this.#isRefreshing = false
    }
  }

  close(): void {
    this.#isClosed = true
    for (const { watch } of this.#watched.values()) watch.close()
    this.#watched.clear()
  }

  async #begin({ driverId, stamp, rootPath, folder }: WatchedFolder): Promise<void> {
    const { config, log } = this.#deps
    const watch = await watchFolder({
      rootPath,
      allowedRoots: config.localRoots,
      folder,
      onChanges: (changes) => void this.#onChanges(driverId, changes),
      onTrouble: (error) =>
        log.warn({ err: error, driverId }, 'a folder is not watched as a whole; give its datasets a schedule'),
    }).catch((error: unknown) => {
      // Tried again with every look; said once.
      if (!this.#refused.has(driverId)) log.warn({ err: error, driverId }, 'a folder cannot be watched')
      this.#refused.add(driverId)
      return null
    })
    if (watch === null) return
    this.#refused.delete(driverId)
    // Closed while it was being opened.
    if (this.#isClosed) watch.close()
    else this.#watched.set(driverId, { stamp, watch, isSyncOwed: true })
  }

  async #onChanges(driverId: string, { changed, gone, isComplete }: FolderChanges): Promise<void> {
    try {
      if (!isComplete) this.#owe(driverId)
      await this.#mark(driverId, changed, false)
      await this.#mark(driverId, gone, true)
    } catch (error) {
      // The server is ending, or the driver is gone, whose watch ends with the next look.
      if (this.#isClosed) return
      if (error instanceof AppError && error.code === 'driver.not_found') return
      this.#deps.log.error({ err: error, driverId }, 'changes of a watched folder could not be marked; it is synced')
      this.#owe(driverId)
    }
  }

  #owe(driverId: string): void {
    const watched = this.#watched.get(driverId)
    if (watched !== undefined) watched.isSyncOwed = true
  }

  async #mark(driverId: string, keys: readonly string[], isGone: boolean): Promise<void> {
    for (let from = 0; from < keys.length; from += MARK_BATCH)
      await markDriverKeys(this.#deps, driverId, keys.slice(from, from + MARK_BATCH), isGone)
  }

  async #sync(driverId: string, watched: Watched): Promise<void> {
    // Before it is started: what changes from now on may be missed by it.
    watched.isSyncOwed = false
    for (const { datasetNo, caller } of await findWatchedDatasets(this.#deps.db, driverId)) {
      try {
        await startSync(this.#deps, caller, datasetNo, { isScheduled: true })
      } catch (error) {
        // One that runs may have passed the place already: the next look starts another.
        if (error instanceof AppError && error.code === 'dataset.already_syncing') watched.isSyncOwed = true
        else this.#deps.log.error({ err: error, datasetNo }, 'a sync of a watched folder could not be started')
      }
    }
  }
}
