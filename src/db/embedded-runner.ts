import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'

/** The user PostgreSQL runs as: it refuses to run as root, so root lends it an unprivileged one. */
export interface Runner {
  readonly uid: number
  readonly gid: number
  readonly name: string
  /** Whether this is another user than ours, so that files must be given to it. */
  readonly isOther: boolean
}

/** The user to run PostgreSQL as: ourselves, or `nobody` when we are root. */
export async function findRunner(): Promise<Runner> {
  const own = userInfo()
  if (own.uid !== 0) return { uid: own.uid, gid: own.gid, name: own.username, isOther: false }
  const name = 'nobody'
  try {
    const run = promisify(execFile)
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout), name, isOther: true }
  } catch (cause) {
    throw new Error(
      'PostgreSQL does not run as root, and this machine has no user “nobody” to lend it. Start Sluice as an ordinary user, or set DATABASE_URL.',
      { cause },
    )
  }
}

/** Starts a program as the runner. `detached` gives it a session of its own, so that Ctrl-C in the terminal reaches only Sluice, which then stops it. */
export function spawnAs(runner: Runner, program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  return spawn(program, args, { ...options, ...(runner.isOther ? { uid: runner.uid, gid: runner.gid } : {}) })
}

const wanted = { read: 0o4, run: 0o5, enter: 0o1 } as const

/**
 * Whether the runner can get to a file or folder that exists: `read` it, `run` it, or `enter` it
 * (a folder), having entered every folder above it.
 */
export async function canReach(runner: Runner, path: string, how: keyof typeof wanted): Promise<boolean> {
  let at = resolve(path)
  let need: number = wanted[how]
  for (;;) {
    const facts = await stat(at).catch(() => null)
    if (facts === null) return false
    const shift = facts.uid === runner.uid ? 6 : facts.gid === runner.gid ? 3 : 0
    if (((facts.mode >> shift) & need) !== need) return false
    if (dirname(at) === at) return true
    at = dirname(at)
    need = 0o1
  }
}
