import { randomBytes } from 'node:crypto'
import { link, mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Secret } from '#lib/secret.ts'
import { createEnvelopeVault, KEY_BYTES } from './envelope.ts'
import type { Vault } from './vault.ts'

/** What of the settings the built-in vault needs. */
export interface MasterKeySettings {
  readonly masterKey: Secret | undefined
  readonly dataDir: string
}

/** Opens the built-in vault with this server's master key; for the composition root. */
export async function openVault(settings: MasterKeySettings): Promise<Vault> {
  return createEnvelopeVault([await loadMasterKey(settings)])
}

/**
 * The key-encryption key of this server: `SLUICE_MASTER_KEY`, or the file `master.key` in the data folder, made at first use with mode 0600.
 *
 * The file holds the key in base64 and is never overwritten: whoever loses it loses every stored credential. Several processes may start at once.
 * Throws an error that says what to do when the variable is no key, or the file is one that others could have read.
 */
export async function loadMasterKey({ masterKey, dataDir }: MasterKeySettings): Promise<Buffer> {
  if (masterKey !== undefined) {
    return parseKey(masterKey.reveal(), 'SLUICE_MASTER_KEY', 'Make one with: openssl rand -base64 32')
  }
  const path = join(dataDir, 'master.key')
  return (await readKeyFile(path)) ?? (await createKeyFile(dataDir, path))
}

function parseKey(text: string, where: string, advice: string): Buffer {
  const trimmed = text.trim()
  const key = Buffer.from(trimmed, 'base64')
  // Buffer.from drops what is not base64 in silence; writing it back shows whether anything was lost.
  const isExact = key.toString('base64').replace(/=+$/, '') === trimmed.replace(/=+$/, '')
  if (!isExact || key.length !== KEY_BYTES) {
    throw new Error(`${where} must be ${KEY_BYTES} bytes in base64. ${advice}`)
  }
  // A key of one repeated byte is a place-holder somebody forgot to replace.
  if (key.every((byte) => byte === key[0])) throw new Error(`${where} is a place-holder, not a key. ${advice}`)
  return key
}

async function readKeyFile(path: string): Promise<Buffer | null> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    // The open file is looked at, not the path, so that nobody can swap it in between.
    const facts = await file.stat()
    if (!facts.isFile()) throw new Error(`${path} is not a file; the master key is kept there`)
    if (process.platform !== 'win32' && (facts.mode & 0o077) !== 0) {
      const mode = (facts.mode & 0o777).toString(8)
      throw new Error(
        `${path} has mode ${mode}, so other users of this machine can reach the master key. If nobody can have read it: chmod 600 ${path}`,
      )
    }
    return parseKey(
      await file.readFile('utf8'),
      path,
      'Put the right file back from your backup; without it stored credentials are lost.',
    )
  } finally {
    await file.close()
  }
}

async function createKeyFile(dataDir: string, path: string): Promise<Buffer> {
  await mkdir(dataDir, { recursive: true })
  const draft = join(dataDir, `.master.key.${process.pid}.${randomBytes(4).toString('hex')}`)
  const key = randomBytes(KEY_BYTES)
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${key.toString('base64')}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    // A link, unlike a rename, fails when the name is taken: of two processes that start at once, one wins and both use its key.
    await link(draft, path)
    await syncFolder(dataDir)
    return key
  } catch (error) {
    key.fill(0)
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const winner = await readKeyFile(path)
    if (winner === null) throw new Error(`${path} vanished while it was read`, { cause: error })
    return winner
  } finally {
    await unlink(draft)
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
