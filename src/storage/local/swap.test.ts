// Proves that nobody gets out of a local folder by giving a name to another thing between the look at it and its use, nor by pipes, sockets and devices.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openEgress } from '../egress.ts'
import { openStorage } from '../open.ts'
import type { Storage } from '../port.ts'
import { StorageError } from '../storage-error.ts'

const TRIES = 150
const SECRET = 'outside, and longer than what is inside'
const run = promisify(execFile)

let base: string
let root: string
let outside: string
let storage: Storage

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'sluice-swap-')))
  root = join(base, 'root')
  outside = join(base, 'outside')
  await mkdir(join(root, 'box'), { recursive: true })
  await mkdir(outside)
  await writeFile(join(root, 'box', 'file'), 'inside')
  await writeFile(join(outside, 'file'), SECRET)
  await writeFile(join(outside, 'only-outside'), SECRET)
  storage = await openStorage({ provider: 'local', rootPath: root, allowedRoots: [root] }, openEgress)
})
afterEach(async () => {
  await storage.close()
  await rm(base, { recursive: true })
})

/** Turns `box` into a link that leads out and back, as fast as it can, in a thread of its own. */
const swapper = `
  const { workerData, parentPort } = require('node:worker_threads')
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
  const { box, aside, outside, stop } = workerData
  parentPort.postMessage('begun')
  let swaps = 0
  // Writing makes the folder anew when it is missing; that one is put out of the way.
  const until = (step) => {
    for (;;) {
      try {
        return step()
      } catch (error) {
        if (!['EEXIST', 'ENOTEMPTY', 'EISDIR', 'ENOTDIR'].includes(error.code)) throw error
        renameSync(box, aside + '-' + swaps + '-' + Math.random())
      }
    }
  }
  while (Atomics.load(stop, 0) === 0) {
    renameSync(box, aside)
    until(() => symlinkSync(outside, box))
    unlinkSync(box)
    until(() => renameSync(aside, box))
    swaps++
  }
  parentPort.postMessage(swaps)
`

async function whileSwapping(work: () => Promise<void>): Promise<number> {
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const workerData = { box: join(root, 'box'), aside: join(base, 'aside'), outside, stop }
  const worker = new Worker(swapper, { eval: true, workerData })
  await new Promise((done) => worker.once('message', done))
  try {
    await work()
  } finally {
    Atomics.store(stop, 0, 1)
  }
  return new Promise((done) => worker.once('message', done))
}

/** What a call gives, or the kind of its failure; any other failure is the test's. */
async function outcomeOf<T>(call: () => Promise<T>): Promise<T | string> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof StorageError) return error.kind
    throw error
  }
}

test.runIf(process.platform === 'linux')(
  'a folder that becomes a link that leads out shows, takes and loses nothing outside',
  async () => {
    const seen = new Map<string, number>()
    const note = (what: unknown) => void seen.set(String(what), (seen.get(String(what)) ?? 0) + 1)
    const swaps = await whileSwapping(async () => {
      for (let i = 0; i < TRIES; i++) {
        note(await outcomeOf(async () => (await buffer((await storage.read('box/file')).body)).toString()))
        note(await outcomeOf(async () => (await storage.stat('box/file'))?.sizeBytes))
        note(
          await outcomeOf(async () => {
            const page = await storage.list({ prefix: '' })
            const found: string[] = []
            while (page.entries.next()) {
              const { keyBytes, keyStart, keyEnd, sizeBytes } = page.entries
              found.push(`${keyBytes.toString('utf8', keyStart, keyEnd)}=${sizeBytes}`)
            }
            page.release()
            return found.filter((entry) => !/^box\/(file=6|new-\d+=3|deep-\d+\/a\/b=3)$/.test(entry)).join()
          }),
        )
        note(
          await outcomeOf(
            async () => typeof (await storage.write(`box/new-${i}`, Buffer.from('new'), { sizeBytes: 3 })),
          ),
        )
        note(
          await outcomeOf(
            async () => typeof (await storage.write(`box/deep-${i}/a/b`, Buffer.from('new'), { sizeBytes: 3 })),
          ),
        )
        note(await outcomeOf(async () => (await storage.remove(['box/only-outside']))[0]?.ok))
      }
    })
    expect(swaps).toBeGreaterThan(TRIES)
    const harmless =
      /^(inside|6|object|undefined|true|false||not-found|forbidden|conflict|unknown-bucket|unavailable|null)$/
    expect([...seen.keys()].filter((what) => !harmless.test(what))).toEqual([])
    expect((await readdir(outside)).sort()).toEqual(['file', 'only-outside'])
    expect(await readFile(join(outside, 'only-outside'), 'utf8')).toBe(SECRET)
  },
)

test('pipes, sockets and devices are no files, and nothing waits for them', async () => {
  await run('mkfifo', [join(root, 'pipe')])
  const server = createServer()
  await new Promise<void>((done) => server.listen(join(root, 'socket'), done))
  const hasDevice = await run('mknod', [join(root, 'device'), 'c', '1', '5']).then(
    () => true,
    () => false,
  )
  try {
    for (const key of ['pipe', 'socket', ...(hasDevice ? ['device'] : [])]) {
      expect([key, await outcomeOf(() => storage.read(key))]).toEqual([key, 'unsupported'])
      expect([key, await outcomeOf(() => storage.stat(key))]).toEqual([key, 'unsupported'])
    }
    const page = await storage.list({ prefix: '' })
    expect(page.skipped?.map(({ key, reason }) => `${key.toString()} ${reason}`)).toEqual([
      ...(hasDevice ? ['device special-file'] : []),
      'pipe special-file',
      'socket special-file',
    ])
    page.release()
  } finally {
    await new Promise((done) => server.close(done))
  }
})

test('a link to a device or another process’s things is refused, though it stands inside', async () => {
  await symlink('/dev/zero', join(root, 'zero'))
  await symlink('/proc/self/environ', join(root, 'environ'))
  await symlink('/proc/self/root', join(root, 'everything'))
  for (const key of ['zero', 'environ', 'everything/etc/passwd']) {
    if (!existsSync(join(root, key))) continue
    expect([key, await outcomeOf(() => storage.read(key))]).toEqual([key, 'forbidden'])
    expect([key, await outcomeOf(() => storage.stat(key))]).toEqual([key, 'forbidden'])
    expect([key, await outcomeOf(() => storage.write(`${key}/x`, Buffer.from('a'), { sizeBytes: 1 }))]).toEqual([
      key,
      expect.stringMatching(/^(forbidden|conflict)$/),
    ])
  }
})

test('a root that is itself given to another folder later opens nothing', async () => {
  await rm(root, { recursive: true })
  await symlink(outside, root)
  expect(await outcomeOf(() => storage.read('file'))).toBe('forbidden')
  expect(await outcomeOf(() => storage.list({ prefix: '' }))).toBe('not-found')
})

test('no handle stays open', async () => {
  const open = async () => (await readdir('/proc/self/fd')).length
  if (!existsSync('/proc/self/fd')) return
  const before = await open()
  for (let i = 0; i < 50; i++) {
    await storage.stat('box/file')
    await buffer((await storage.read('box/file')).body)
    await storage.write(`box/${i}`, Buffer.from('a'), { sizeBytes: 1 })
    await storage.remove([`box/${i}`, 'none/at/all'])
    ;(await storage.list({ prefix: '' })).release()
  }
  expect(await open()).toBeLessThanOrEqual(before + 2)
})
