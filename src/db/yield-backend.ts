import { readFile } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'
import type { DbClient } from './connect.ts'

/**
 * Lowers the priority of the server process behind a connection, so that people's queries go before a bulk load's COPY.
 *
 * Only where that process is on this machine (a Unix socket) and ours to touch; elsewhere nothing happens, and the load runs at the priority of the
 * rest. The connection must not be given back to a pool afterwards.
 */
export async function yieldBackend(client: DbClient): Promise<void> {
  if (process.platform !== 'linux' || !client.host?.startsWith('/')) return
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const { pid } = rows[0]!
    // In a container of its own the number would mean some other process here.
    if ((await readFile(`/proc/${pid}/comm`, 'utf8')).trim() !== 'postgres') return
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // Another user's process: not ours to slow down.
  }
}
