import { link, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSameProcess, markOf, type ProcessMark } from './process-mark.ts'

/** Thrown when another server uses the data folder; the message says which and what to do. */
export class DataFolderLockedError extends Error {
  constructor(dataDir: string, holder: ProcessMark) {
    super(
      `The data folder ${dataDir} is in use by another Sluice server (process ${holder.pid}). ` +
        'Stop that one first, or give this one its own folder with SLUICE_DATA_DIR.',
    )
    this.name = 'DataFolderLockedError'
  }
}

/** A held lock; `release()` gives it back and may be called more than once. */
export interface DataLock {
  release(): Promise<void>
}

const HEARTBEAT_MS = 3_000
/** A holder that cannot be looked up (another container or machine) counts as alive while its file is younger than this. */
const FOREIGN_ALIVE_MS = 15_000
const ATTEMPTS_MAX = 20

/**
 * Takes the exclusive lock of a data folder, so that two servers never open one database folder (sync-and-safety §2.6).
 *
 * Lock files are numbered, `lock.<n>`, and only ever created (by `link`, which cannot overwrite); the highest number rules. Whoever finds the
 * highest one stale creates the next, so two that find it stale at once cannot both win: the second `link` fails. The lock names the holder by
 * pid *and* start time, because pids come round again; a lock left by `kill -9` is therefore seen to be stale at once.
 *
 * Errors: `DataFolderLockedError`.
 */
export async function lockDataFolder(dataDir: string): Promise<DataLock> {
  const folder = join(dataDir, 'lock')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const mine = await markOf(process.pid)
  if (mine === null) throw new Error('cannot read the start time of this very process')
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const top = await highest(folder)
    if (top > 0) {
      const holder = await liveHolder(join(folder, `lock.${top}`))
      if (holder !== null) throw new DataFolderLockedError(dataDir, holder)
    }
    const number = top + 1
    if (!(await create(folder, number, mine))) continue
    // A slow taker may create a number below one that was created meanwhile; it has to step back.
    if ((await highest(folder)) !== number) {
      await rm(join(folder, `lock.${number}`), { force: true })
      continue
    }
    await removeBelow(folder, number)
    return held(join(folder, `lock.${number}`))
  }
  throw new Error(
    `the lock of the data folder ${dataDir} changes hands too often; are many servers being started on it?`,
  )
}

function held(path: string): DataLock {
  // Others that cannot look this process up (another container) go by the file's age.
  const heartbeat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), HEARTBEAT_MS)
  heartbeat.unref()
  let isReleased = false
  return {
    async release() {
      if (isReleased) return
      isReleased = true
      clearInterval(heartbeat)
      // Emptied, not removed: the numbers must go on from here.
      await writeFile(path, '').catch(() => {})
    },
  }
}

async function highest(folder: string): Promise<number> {
  let top = 0
  for (const name of await readdir(folder)) {
    const match = /^lock\.(\d+)$/.exec(name)
    if (match) top = Math.max(top, Number(match[1]))
  }
  return top
}

async function create(folder: string, number: number, mark: ProcessMark): Promise<boolean> {
  const temporary = join(folder, `new.${process.pid}.${Math.random().toString(36).slice(2)}`)
  await writeFile(temporary, JSON.stringify(mark), { mode: 0o600 })
  try {
    await link(temporary, join(folder, `lock.${number}`))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

async function liveHolder(path: string): Promise<ProcessMark | null> {
  let mark: ProcessMark
  let ageMs: number
  try {
    const text = await readFile(path, 'utf8')
    if (text === '') return null
    mark = JSON.parse(text) as ProcessMark
    ageMs = Date.now() - (await stat(path)).mtimeMs
  } catch {
    // Gone meanwhile, or cut off by a full disk: nobody holds it.
    return null
  }
  const same = await isSameProcess(mark)
  if (same === 'unknown') return ageMs < FOREIGN_ALIVE_MS ? mark : null
  return same ? mark : null
}

async function removeBelow(folder: string, number: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const match = /^lock\.(\d+)$/.exec(name)
    if (match && Number(match[1]) < number) await rm(join(folder, name), { force: true })
  }
}
