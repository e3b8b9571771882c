import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SkipReason } from '#contract/skip-reasons.ts'
import type { SyncRun } from '#contract/syncs.ts'
import type { Storage } from '#storage/port.ts'
import { withSmallPages } from '../fakes/paged-storage.ts'
import { dataPointsOf, findFolderFaults, findSegmentFaults } from '../support/invariants.ts'
import type { SyncedApi } from '../support/sync.ts'
import { borderKeys, dotKeys, keyZoo, markerKeys, ownKeys, refusedKeys, skippedKeys, wildKeys } from './key-zoo.ts'

/** A dataset on a storage that can be filled behind the product's back. */
export interface TortureStage {
  readonly synced: Pick<SyncedApi, 'api' | 'addDataset' | 'work' | 'close'>
  /** Puts an object there; the key is whole. */
  put(key: Buffer, bytes: Buffer): Promise<void>
  remove(key: Buffer): Promise<void>
  close(): Promise<void>
}

/** A storage, and what of the torture it takes. */
export interface TortureSetting {
  readonly name: string
  /** Opens a stage whose driver has the folder. What the driver opens goes through `wrap`. */
  open(folder: string, wrap: (storage: Storage) => Storage): Promise<TortureStage>
  /** Whether the storage can hold an object of this whole key beside those it has; theirs are one character a byte. */
  canHold(key: Buffer, held: ReadonlySet<string>): boolean
  /** Sizes of pages with which what has not changed is listed again. */
  readonly pageSizes: readonly number[]
  /** Sizes of pages of which each other sync takes the next. */
  readonly otherSizes: readonly number[]
  /** Whether etags are the MD5 of the bytes. */
  readonly hasMd5: boolean
  /** Keys at folders' borders that are removed and brought back alone, at most. */
  readonly aloneMax: number
}

/** What an object is to a dataset; worked out from §3.3, without the product's code. */
type Fate =
  | { readonly kind: 'item'; readonly flags: number }
  | { readonly kind: 'marker' | 'hidden' | 'excluded' }
  | SkippedFate
interface SkippedFate {
  readonly kind: 'skipped'
  readonly reason: SkipReason
}

const PART_BYTES_MAX = 2600

/** The fate of an object with this key below the driver's folder. */
function fateOf(key: Buffer, sizeBytes: number): Fate {
  if (key.length === 0) return sizeBytes === 0 ? { kind: 'marker' } : { kind: 'skipped', reason: 'folder-itself' }
  const text = key.toString('latin1')
  const cut = text.lastIndexOf('/', text.length - 2) + 1
  const nameStart = text === '/' ? 0 : cut
  if (nameStart > PART_BYTES_MAX || text.length - nameStart > PART_BYTES_MAX)
    return { kind: 'skipped', reason: 'too-long' }
  if (!isUtf8(key) || key.includes(0)) return { kind: 'skipped', reason: 'not-text' }
  if (text.slice(0, nameStart).split('/').includes('.dataloop')) return { kind: 'hidden' }
  if (sizeBytes === 0 && text.endsWith('/')) return { kind: 'marker' }
  if (text.startsWith('refused/')) return { kind: 'excluded' }
  const isHidden = text.split('/').some((part) => part.startsWith('.'))
  const isDot = text.split(/[/\\]/).some((part) => part === '.' || part === '..')
  return { kind: 'item', flags: (isHidden ? 1 : 0) + (isDot ? 2 : 0) }
}

interface Row {
  readonly path: string
  readonly itemNo: string
  readonly state: number
  readonly size: number
  readonly etag: string
  readonly flags: number
  readonly version: string
}

type Counted = Partial<Record<'added' | 'changed' | 'returned' | 'missing' | 'removed', number>>

/** One character a byte, so that keys can be kept in maps and compared as bytes. */
const nameOf = (key: Buffer) => key.toString('latin1')
const keyOf = (name: string) => Buffer.from(name, 'latin1')
const inOrder = (names: Iterable<string>) => [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))

class Torture {
  readonly #setting: TortureSetting
  readonly #folder: Buffer
  readonly #stage: TortureStage
  readonly #datasetId: string
  readonly #turnPage: (pageMax?: number) => void
  /** What the storage has below the driver's folder. */
  readonly objects = new Map<string, Buffer>()
  /** Items there must be, by path: their number, and whether their file is there. */
  readonly #items = new Map<string, { itemNo: string; isThere: boolean }>()
  #versions = 0
  syncs = 0

  private constructor(
    setting: TortureSetting,
    folder: string,
    stage: TortureStage,
    datasetId: string,
    turn: (pageMax?: number) => void,
  ) {
    this.#setting = setting
    this.#folder = Buffer.from(folder)
    this.#stage = stage
    this.#datasetId = datasetId
    this.#turnPage = turn
  }

  static async open(setting: TortureSetting, folder: string): Promise<Torture> {
    const sizes = { pageMax: 1000, askedMax: 1000 }
    let turn = 0
    const turnPage = (pageMax = setting.otherSizes[turn++ % setting.otherSizes.length]!) => {
      sizes.pageMax = pageMax
      sizes.askedMax = Math.max(2, sizes.pageMax)
    }
    const stage = await setting.open(folder, (storage) => withSmallPages(storage, sizes))
    const datasetId = await stage.synced.addDataset()
    const torture = new Torture(setting, folder, stage, datasetId, turnPage)
    await torture.#call('PATCH', '/syncSettings', { exclude: [{ kind: 'glob', pattern: 'refused/' }] })
    return torture
  }

  async close(): Promise<void> {
    await this.#stage.close()
  }

  async #call(method: string, path: string, json?: unknown) {
    const { api } = this.#stage.synced
    const url = `/api/v1/datasets/${this.#datasetId}${path}`
    const answer = await api.call(api.owner, method, url, json === undefined ? {} : { json })
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }

  /** Puts an object there with bytes that it never had, or none. */
  async put(name: string, isEmpty = false): Promise<void> {
    const bytes = isEmpty
      ? Buffer.alloc(0)
      : Buffer.from(`${name} ${'.'.repeat(this.#versions % 7)}${this.#versions++}`)
    await this.#stage.put(Buffer.concat([this.#folder, keyOf(name)]), bytes)
    this.objects.set(name, bytes)
  }

  async remove(name: string): Promise<void> {
    await this.#stage.remove(Buffer.concat([this.#folder, keyOf(name)]))
    this.objects.delete(name)
  }

  /** Puts an object there that is none of the torture's. */
  putBeside(key: string): Promise<void> {
    return this.#stage.put(Buffer.from(key), Buffer.from(key))
  }

  /** Names of the objects that are items. */
  items(): string[] {
    return inOrder(
      [...this.objects]
        .filter(([name, bytes]) => fateOf(keyOf(name), bytes.length).kind === 'item')
        .map(([name]) => name),
    )
  }

  /** Syncs, and holds everything there is to see against what must be. */
  async sync(expected: Counted, options: Record<string, unknown> = {}, pageMax?: number): Promise<void> {
    this.#turnPage(pageMax)
    this.syncs++
    const command = await this.#call('POST', '/sync', options)
    await this.#stage.synced.work()
    const run: SyncRun = await this.#call('GET', `/syncs/${command.id}`)
    expect([run.state, run.error], this.#stage.synced.api.logs().slice(-1000)).toEqual(['success', null])
    this.#expectCounts(run, expected)
    await this.#expectItems(options.reconcile === true)
    await this.#expectSkipped()
    await this.#expectSound()
    if (!this.objects.has(MARK) && this.items().length > 0) this.#noteMark()
  }

  /** The first sync that has seen everything leaves a mark in the platform's own folder. */
  #noteMark(): void {
    this.objects.set(MARK, Buffer.from('a mark'))
  }

  #expectCounts(run: SyncRun, expected: Counted): void {
    const fates = [...this.objects].map(([name, bytes]) => fateOf(keyOf(name), bytes.length).kind)
    const count = (kind: Fate['kind']) => fates.filter((one) => one === kind).length
    const { added = 0, changed = 0, returned = 0, missing = 0, removed = 0 } = expected
    const { requests: _, overQuota: _quota, moved: _moved, ...counts } = run.counts
    expect(counts).toEqual({
      listed: this.objects.size,
      added,
      changed,
      returned,
      missing,
      removed,
      unchanged: count('item') - added - changed - returned,
      markers: count('marker'),
      hidden: count('hidden'),
      excluded: count('excluded'),
      skipped: count('skipped'),
    })
  }

  async rows(): Promise<Row[]> {
    const { rows } = await this.#stage.synced.api.deps.db.query<Omit<Row, 'path'> & { path: Buffer }>(
      `select convert_to(r.path || i.name, 'UTF8') as path, i.item_no::text as "itemNo", i.state, i.size_bytes as size, encode(i.etag, 'hex') as etag,
              i.flags, i.xmin::text || i.ctid::text as version
         from item i join dataset d using (dataset_no) join dir r on r.dataset_no = i.dataset_no and r.dir_no = i.dir_no where d.id = $1`,
      [this.#datasetId],
    )
    return rows.map((row) => ({ ...row, path: nameOf(row.path) }))
  }

  async #expectItems(isReconcile: boolean): Promise<void> {
    const there = new Set(this.items())
    for (const [path, item] of this.#items) {
      item.isThere = there.has(path)
      if (!item.isThere && isReconcile) this.#items.delete(path)
    }
    const rows = await this.rows()
    for (const { path, itemNo } of rows)
      if (there.has(path) && !this.#items.has(path)) this.#items.set(path, { itemNo, isThere: true })
    const expected = inOrder(new Set([...this.#items.keys(), ...there]))
    expect(inOrder(rows.map(({ path }) => path))).toEqual(expected)
    for (const { path, itemNo, state, size, etag, flags } of rows) {
      const item = this.#items.get(path)!
      expect([path, itemNo, state]).toEqual([path, item.itemNo, item.isThere ? 0 : 1])
      const bytes = this.objects.get(path)
      if (!item.isThere || bytes === undefined) continue
      const fate = fateOf(keyOf(path), bytes.length)
      expect([path, size, flags & 3]).toEqual([path, bytes.length, fate.kind === 'item' ? fate.flags : null])
      if (this.#setting.hasMd5) expect([path, etag]).toEqual([path, createHash('md5').update(bytes).digest('hex')])
    }
  }

  async #expectSkipped(): Promise<void> {
    const { skipped } = await this.#call('GET', '/skipped?limit=1000')
    const found = skipped.map(({ keyB64, reason, size }: { keyB64: string; reason: string; size: number }) => [
      nameOf(Buffer.from(keyB64, 'base64')),
      reason,
      size,
    ])
    const expected: unknown[] = []
    for (const [name, bytes] of this.objects) {
      const fate = fateOf(keyOf(name), bytes.length)
      if (fate.kind === 'skipped') expected.push([nameOf(this.#folder) + name, fate.reason, bytes.length])
    }
    expect(found.sort()).toEqual(expected.sort())
  }

  async #expectSound(): Promise<void> {
    const { db } = this.#stage.synced.api.deps
    const { rows } = await db.query<{ no: number }>('select dataset_no as no from dataset where id = $1', [
      this.#datasetId,
    ])
    expect(await findFolderFaults(db, rows[0]!.no)).toEqual([])
    expect(await findSegmentFaults(db, rows[0]!.no)).toEqual([])
    const points = await dataPointsOf(db, this.#stage.synced.api.orgId)
    expect(points.used).toBe(points.rows)
  }
}

const MARK = '.dataloop/sluice-mark.txt'
/** Fewer than the brake lets pass without a word (50), whatever the size of the dataset. */
const GROUP = 45

/** Everything of the zoo that the storage can hold, with keys that fill up the 1,024 bytes a key may have. */
function zooFor(
  setting: TortureSetting,
  folder: string,
): { held: [name: string, isEmpty: boolean][]; refused: string[] } {
  // Where a name cannot be a file's and a folder's, the first ones win: another choice in the other folder.
  const borders = folder === '' ? borderKeys : [...borderKeys].reverse()
  const room = 1024 - Buffer.byteLength(folder)
  const full = [
    `full/${'f'.repeat(room - 5)}`,
    `full/${'ü'.repeat(Math.floor((room - 6) / 2))}${'x'.repeat(1 + ((room - 6) % 2))}`,
  ]
  const texts = [...keyZoo, ...wildKeys, ...full, ...borders, ...dotKeys, ...ownKeys, ...refusedKeys]
  const all: [Buffer, boolean][] = [...texts.map((key): [Buffer, boolean] => [Buffer.from(key), false])]
  all.push(...markerKeys.map((key): [Buffer, boolean] => [Buffer.from(key), true]))
  all.push(...skippedKeys.map(([key]): [Buffer, boolean] => [key, false]))
  if (folder !== '') all.push([Buffer.alloc(0), true])
  const held = new Map<string, boolean>()
  const wholes = new Set<string>()
  const refused: string[] = []
  for (const [key, isEmpty] of all) {
    const whole = Buffer.concat([Buffer.from(folder), key])
    if (setting.canHold(whole, wholes)) {
      wholes.add(nameOf(whole))
      held.set(nameOf(key), isEmpty)
    } else refused.push(nameOf(key))
  }
  return { held: [...held], refused }
}

/** Puts every key of the zoo through first sync, re-sync, change, absence and return on a storage; called once a driver, from a test file that opens it. */
export function tortureResync(setting: TortureSetting): void {
  describe.each(['', 'x/ü +%/'])(`keys on ${setting.name}, folder “%s”`, (folder) => {
    const { held, refused } = zooFor(setting, folder)
    let torture: Torture
    beforeAll(async () => {
      torture = await Torture.open(setting, folder)
      for (const [name, isEmpty] of held) await torture.put(name, isEmpty)
      // Beside the folder, and none of it.
      if (folder !== '')
        for (const key of ['x/ü +%0', 'x/ü +%!', 'x/ü +/a', 'x/u +%/a', 'X/ü +%/a', 'a']) await torture.putBeside(key)
    })
    afterAll(async () => {
      console.info(
        `${setting.name}, folder “${folder}”: ${held.length} keys in ${torture?.syncs} syncs, pages of ${[...setting.pageSizes, ...setting.otherSizes].join(', ')}` +
          `; ${refused.length} keys that it cannot hold: ${JSON.stringify(refused.map((name) => name.slice(0, 24)))}`,
      )
      await torture?.close()
    })
    tortureSteps(setting, () => torture)
  })
}

function tortureSteps(setting: TortureSetting, given: () => Torture): void {
  const slow = { timeout: 60_000 }

  test('first, every key is an item or counted as what it is', slow, async () => {
    const torture = given()
    await torture.sync({ added: torture.items().length })
  })

  test('again, nothing has changed, whatever the pages, and no row is written', slow, async () => {
    const torture = given()
    const before = await torture.rows()
    for (const pageMax of setting.pageSizes) await torture.sync({}, {}, pageMax)
    await torture.sync({}, { forceRescan: true })
    expect(await torture.rows()).toEqual(before)
  })

  test('every file changes, markers become files, and files become markers', slow, async () => {
    const torture = given()
    const markers = [...torture.objects]
      .filter(([name, { length }]) => length === 0 && name.endsWith('/'))
      .map(([name]) => name)
    const slashed = torture.items().filter((name) => name.endsWith('/'))
    const changed = torture.items().filter((name) => !slashed.includes(name))
    for (const name of [...torture.objects.keys()]) if (name !== MARK) await torture.put(name, slashed.includes(name))
    const filled = torture.items().filter((name) => markers.includes(name)).length
    await torture.sync({ changed: changed.length, added: filled, missing: slashed.length })
    await torture.sync({})
    for (const name of slashed) await torture.put(name)
    for (const name of markers) await torture.put(name, true)
    await torture.sync({ returned: slashed.length, missing: filled })
    for (const name of markers) if (name !== '') await torture.put(name)
    await torture.sync({ returned: filled })
  })

  test('neighbours go in groups, and come back', slow, async () => {
    const torture = given()
    const items = torture.items()
    for (let from = 0; from < items.length - 1; from += GROUP) {
      const group = items.slice(from, Math.min(items.length - 1, from + GROUP))
      for (const name of group) await torture.remove(name)
      await torture.sync({ missing: group.length })
      if (from === 0) await torture.sync({})
      for (const name of group) await torture.put(name)
      await torture.sync({ returned: group.length })
    }
  })

  test('every other name goes, and comes back', slow, async () => {
    const torture = given()
    const items = torture.items()
    const groups = Math.ceil(items.length / GROUP)
    for (let turn = 0; turn < groups; turn++) {
      const group = items.filter((_, at) => at % groups === turn)
      for (const name of group) await torture.remove(name)
      await torture.sync({ removed: group.length }, { reconcile: true })
      for (const name of group) await torture.put(name)
      await torture.sync({ added: group.length })
    }
  })

  test('names at borders go and come one by one', slow, async () => {
    const torture = given()
    const borders = new Set(borderKeys.map((key) => nameOf(Buffer.from(key))))
    const all = torture.items().filter((name) => borders.has(name))
    const step = Math.ceil(all.length / setting.aloneMax)
    const alone = all.filter((_, at) => at % step === 0)
    let gone: string | null = null
    for (const name of alone) {
      await torture.remove(name)
      if (gone !== null) await torture.put(gone)
      await torture.sync({ missing: 1, returned: gone === null ? 0 : 1 })
      gone = name
    }
    if (gone !== null) await torture.put(gone)
    await torture.sync({ returned: gone === null ? 0 : 1 })
  })

  test('what cannot be an item and goes is no longer told', slow, async () => {
    const torture = given()
    const names = [...torture.objects]
      .filter(([name, { length }]) => fateOf(keyOf(name), length).kind === 'skipped')
      .map(([name]) => name)
    for (const name of names) await torture.remove(name)
    await torture.sync({})
    for (const name of names) await torture.put(name)
    await torture.sync({})
  })
}
