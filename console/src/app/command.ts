import type { Command } from '#contract/commands.ts'
import { api } from './session.ts'

const FIRST_WAIT_MS = 400
const LONGEST_WAIT_MS = 3_000
const FINAL = new Set(['success', 'failed', 'timeout', 'canceled', 'aborted'])

/** Waits until long work of the server has ended, for pages that tell of it; answers its last state. Throws its error where it did not succeed. */
export async function followCommand(command: Pick<Command, 'id'>): Promise<Command> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 1.5)) {
    const now = await api.getCommand({ params: { commandId: command.id } })
    if (now.status === 'success') return now
    if (FINAL.has(now.status)) throw new Error(now.error ?? now.status)
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}
