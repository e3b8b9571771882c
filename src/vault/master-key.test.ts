// Proves that the master key comes from the variable or from a file of its own that is private, made once and never replaced.
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { loadMasterKey } from './master-key.ts'

let dataDir: string

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sluice-key-'))
})
afterEach(async () => {
  await rm(dataDir, { recursive: true })
})

describe('master key from the variable', () => {
  it('takes 32 bytes in base64, with or without padding', async () => {
    const key = randomBytes(32)
    for (const text of [
      key.toString('base64'),
      key.toString('base64').replace('=', ''),
      `${key.toString('base64')}\n`,
    ]) {
      expect((await loadMasterKey({ masterKey: new Secret(text), dataDir })).equals(key)).toBe(true)
    }
    expect(await readdir(dataDir)).toEqual([])
  })

  it.each([
    ['a pass phrase', 'correct horse battery staple'],
    ['too few bytes', randomBytes(16).toString('base64')],
    ['too many bytes', randomBytes(33).toString('base64')],
    ['hexadecimal', randomBytes(32).toString('hex')],
    ['one repeated byte', Buffer.alloc(32, 7).toString('base64')],
  ])('refuses %s, names the variable and does not repeat the value', async (_name, text) => {
    const failure = await loadMasterKey({ masterKey: new Secret(text), dataDir }).catch((error: Error) => error)
    expect(failure).toBeInstanceOf(Error)
    expect((failure as Error).message).toContain('SLUICE_MASTER_KEY')
    expect((failure as Error).message).not.toContain(text)
  })
})

describe('master key in the data folder', () => {
  const settings = () => ({ masterKey: undefined, dataDir })

  it('is made once, private, and is the same at every later start', async () => {
    const first = await loadMasterKey(settings())
    const path = join(dataDir, 'master.key')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const text = await readFile(path, 'utf8')
    expect((await loadMasterKey(settings())).equals(first)).toBe(true)
    expect(await readFile(path, 'utf8')).toBe(text)
    expect(await readdir(dataDir)).toEqual(['master.key'])
  })

  it('is one key when many processes start at once', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => loadMasterKey(settings())))
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1)
    expect(await readdir(dataDir)).toEqual(['master.key'])
  })

  it('makes the data folder when it is not there', async () => {
    expect(await loadMasterKey({ masterKey: undefined, dataDir: join(dataDir, 'not', 'yet') })).toHaveLength(32)
  })

  it.each([0o644, 0o640, 0o604])(
    'is refused when others can reach it (mode %o), with the command that mends it',
    async (mode) => {
      await loadMasterKey(settings())
      await chmod(join(dataDir, 'master.key'), mode)
      await expect(loadMasterKey(settings())).rejects.toThrow('chmod 600')
    },
  )

  it.each(['', 'not a key', 'AAAA'])(
    'is refused and left as it is when it holds something else (%j)',
    async (content) => {
      const path = join(dataDir, 'master.key')
      await writeFile(path, content, { mode: 0o600 })
      await expect(loadMasterKey(settings())).rejects.toThrow(path)
      expect(await readFile(path, 'utf8')).toBe(content)
    },
  )
})
