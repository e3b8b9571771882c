import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { StartLog } from './embedded-cluster.ts'
import { commandOf, isRunning } from './process-mark.ts'

const POLL_MS = 25
/** A fast shutdown writes a checkpoint; on a slow disk with a full log of changes this takes a while. */
const FAST_MS = 30_000
const IMMEDIATE_MS = 10_000

/**
 * Stops a PostgreSQL that a killed server left behind on this data folder, and removes the pid file of one that is no more.
 *
 * Called with the folder's lock held, so whatever runs here has no server. The process is stopped only when it is verified to be the PostgreSQL of
 * this very folder; a pid file whose number now belongs to some other program is removed, because PostgreSQL would refuse to start over it.
 */
export async function stopOrphan(pgData: string, log: StartLog): Promise<void> {
  const path = join(pgData, 'postmaster.pid')
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return
  const pid = Number(text.split('\n')[0])
  if (!Number.isInteger(pid) || pid <= 1 || !isRunning(pid) || !(await isPostmasterOf(pid, pgData))) {
    await rm(path, { force: true })
    return
  }
  log.warn(`a database (process ${pid}) was left running by a server that was killed; stopping it first`)
  process.kill(pid, 'SIGINT')
  if (await isGone(pid, pgData, FAST_MS)) return
  log.warn(`the database ${pid} does not stop; ending it at once, its log of changes is replayed at the start`)
  process.kill(pid, 'SIGQUIT')
  if (await isGone(pid, pgData, IMMEDIATE_MS)) return
  throw new Error(
    `An old database process ${pid} of ${pgData} does not end. End it by hand (kill ${pid}) and start again.`,
  )
}

/** Whether a process is the main PostgreSQL process started on this folder. */
async function isPostmasterOf(pid: number, pgData: string): Promise<boolean> {
  const command = await commandOf(pid)
  return /(^|\/)postgres /.test(command) && command.includes(pgData)
}

async function isGone(pid: number, pgData: string, withinMs: number): Promise<boolean> {
  const until = Date.now() + withinMs
  while (Date.now() < until) {
    if (!isRunning(pid) || !(await isPostmasterOf(pid, pgData))) return true
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
  return false
}
