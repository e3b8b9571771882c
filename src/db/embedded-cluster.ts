import { createHash, randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { canReach, type Runner, spawnAs } from './embedded-runner.ts'

/** Where root puts what `nobody` must reach when the data folder lies in a private one. */
export const SYSTEM_FOLDER = '/var/lib/sluice'

/** A database cluster on disk, ready to be started. */
export interface Cluster {
  /** Folder with everything of the database; belongs to the runner. */
  readonly folder: string
  /** PostgreSQL's own data folder. */
  readonly pgData: string
  readonly password: string
}

/** What the cluster's code says while it works. */
export interface StartLog {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

const NOTE = 'postgres-is-elsewhere.txt'

/**
 * Decides where the database of a data folder lies: `<dataDir>/postgres`, or, when the runner cannot get there, a folder below `/var/lib/sluice`
 * named after the data folder, with a note left behind. Once decided it stays: the note rules.
 */
export async function placeCluster(dataDir: string, runner: Runner, log: StartLog): Promise<string> {
  const note = await readFile(join(dataDir, NOTE), 'utf8').catch(() => null)
  const noted = note?.split('\n').find((line) => line.startsWith('/'))
  if (noted !== undefined) return noted
  if (!runner.isOther || (await canReach(runner, dataDir, 'enter'))) return join(dataDir, 'postgres')
  const folder = join(SYSTEM_FOLDER, createHash('sha256').update(dataDir).digest('hex').slice(0, 16))
  await writeFile(
    join(dataDir, NOTE),
    `PostgreSQL runs as the user “${runner.name}”, who cannot enter this folder. The database of this data folder lies in\n${folder}\n`,
  )
  log.warn(`the user ${runner.name}, as whom PostgreSQL runs, cannot enter ${dataDir}; the database lies in ${folder}`)
  return folder
}

/** Makes the cluster at its first start; an interrupted first start leaves nothing that is taken for a database. */
export async function prepareCluster(
  folder: string,
  runner: Runner,
  binaries: string,
  options: { readonly isDurable: boolean },
): Promise<Cluster> {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  if (runner.isOther) await chown(folder, runner.uid, runner.gid)
  await chmod(folder, 0o700)
  const pgData = join(folder, 'data')
  const passwordFile = join(folder, 'password')
  if (await stat(join(pgData, 'PG_VERSION')).catch(() => null)) {
    return { folder, pgData, password: (await readFile(passwordFile, 'utf8')).trim() }
  }
  for (const name of await readdir(folder)) {
    if (name.startsWith('data.new-')) await rm(join(folder, name), { recursive: true, force: true })
  }
  const password = randomBytes(24).toString('base64url')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  if (runner.isOther) await chown(passwordFile, runner.uid, runner.gid)
  const fresh = join(folder, `data.new-${process.pid}`)
  await initialise({ runner, binaries, fresh, passwordFile, isDurable: options.isDurable })
  await rename(fresh, pgData)
  return { folder, pgData, password }
}

async function initialise(o: {
  runner: Runner
  binaries: string
  fresh: string
  passwordFile: string
  isDurable: boolean
}) {
  // Collation C: keys are bytes, and their order must not change with the operating system's library.
  const args = [
    '-D',
    o.fresh,
    '-U',
    'sluice',
    '--encoding=UTF8',
    '--locale=C',
    '--auth=scram-sha-256',
    `--pwfile=${o.passwordFile}`,
  ]
  args.push('--no-instructions', ...(o.isDurable ? [] : ['--no-sync']))
  const child = spawnAs(o.runner, join(o.binaries, 'bin', 'initdb'), args, {
    cwd: dirname(o.fresh),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout?.on('data', (chunk) => (output += String(chunk)))
  child.stderr?.on('data', (chunk) => (output += String(chunk)))
  const code = await new Promise<number | string | null>((done, fail) => {
    child.once('error', fail)
    child.once('close', (status, signal) => done(status ?? signal))
  })
  if (code !== 0)
    throw new Error(`the database could not be created (initdb ended with ${code}): ${output.trim().slice(-2000)}`)
}

/** Longest path of a socket's folder we use; the system's limit for the whole socket path is 104 to 108 bytes. */
const SOCKET_FOLDER_BYTES_MAX = 80

/** The folder of the Unix socket: in the cluster's folder, or, where that path is too long, a private one in the temporary folder (`isTemporary`). */
export async function prepareSocketFolder(
  folder: string,
  runner: Runner,
): Promise<{ path: string; isTemporary: boolean }> {
  const inside = join(folder, 'run')
  if (Buffer.byteLength(inside) <= SOCKET_FOLDER_BYTES_MAX) {
    await mkdir(inside, { recursive: true, mode: 0o700 })
    if (runner.isOther) await chown(inside, runner.uid, runner.gid)
    return { path: inside, isTemporary: false }
  }
  for (const base of [tmpdir(), '/tmp', '/var/tmp']) {
    if (Buffer.byteLength(base) > SOCKET_FOLDER_BYTES_MAX - 16 || !(await canReach(runner, base, 'enter'))) continue
    const path = await mkdtemp(join(base, 'sluice-'))
    if (runner.isOther) await chown(path, runner.uid, runner.gid)
    return { path, isTemporary: true }
  }
  throw new Error(
    `there is no folder for the database's socket: ${folder} is too long a path and no temporary folder can be used`,
  )
}
