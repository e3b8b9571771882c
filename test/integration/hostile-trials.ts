// A bucket behind a gateway that can be told to lie, a dataset on it, and what its index must be; for the tests of whole syncs that meet hostile listings.
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { SyncRun } from '#contract/syncs.ts'
import { openEgress } from '#storage/egress.ts'
import { openStorage } from '#storage/open.ts'
import type { ListQuery } from '#storage/port.ts'
import { type Bucket, startBucket } from '../../src/demo/bucket.ts'
import {
  type HostileGateway,
  type ListingRequest,
  type Spoiler,
  startHostileGateway,
} from '../fakes/hostile-gateway.ts'
import { type HostileShape, omitEntries } from '../fakes/hostile-shapes.ts'
import { withSmallPages } from '../fakes/paged-storage.ts'
import { dataPointsOf, findFolderFaults, findSegmentFaults } from '../support/invariants.ts'
import { connectApi, type SyncedApi } from '../support/sync.ts'

/** What a request of a sync is for; a guess (folders, single keys) is where keys might be, so that they can be listed with many connections. */
export type Place = 'page' | 'guess' | 'confirmation'

/** Keys a page; and at most so many where the asker says how many, which tells pages and confirmations apart. */
const PAGE_MAX = 6
const ASKED_MAX = 5
const FOLDER = 'set/'
const KEYS = 60
const LIVE = 0
const MISSING = 1
const keys = { accessKeyId: 'bucket-key', secretKey: 'bucket-secret-for-tests' }

/** An item as far as a listing can change it. */
export interface Row {
  readonly path: string
  readonly state: number
  readonly etag: string
}

const md5 = (text: string) => createHash('md5').update(text).digest('hex')

/** A dataset of sixty files, whose bucket changes a little from sync to sync. */
export class HostileBench {
  readonly gateway: HostileGateway
  readonly #synced: SyncedApi
  readonly #bucket: Bucket
  readonly #datasetId: string
  readonly #random: () => number
  /** Paths below the folder that the bucket has. */
  readonly #files = new Map<string, string>()
  /** Paths that it had; their items are marked missing, or removed where all syncs are reconciles. */
  readonly #gone = new Set<string>()
  readonly #isReconcile: boolean
  /** How many entries were wanted of the page behind a key, at last. What arrives may be less: a place that has failed, in an earlier sync too, is asked for less. */
  readonly #wanted: ReadonlyMap<string, number>
  #writes = 0

  private constructor(parts: {
    gateway: HostileGateway
    synced: SyncedApi
    bucket: Bucket
    datasetId: string
    isReconcile: boolean
    wanted: ReadonlyMap<string, number>
  }) {
    this.gateway = parts.gateway
    this.#synced = parts.synced
    this.#bucket = parts.bucket
    this.#datasetId = parts.datasetId
    this.#isReconcile = parts.isReconcile
    this.#wanted = parts.wanted
    let seed = 1
    this.#random = () => {
      seed = (seed * 48271) % 0x7fffffff
      return seed / 0x7fffffff
    }
  }

  static async start(isReconcile: boolean): Promise<HostileBench> {
    const bucket = await startBucket({ port: 0, ...keys })
    const gateway = await startHostileGateway(bucket.endpoint)
    const address = { ...bucket, endpoint: gateway.endpoint, accessKey: keys.accessKeyId, secretKey: keys.secretKey }
    const wanted = new Map<string, number>()
    const sizes = {
      pageMax: PAGE_MAX,
      askedMax: ASKED_MAX,
      onAsked({ token, after, entriesMax }: ListQuery) {
        if (token === undefined) wanted.set(after?.toString() ?? '', entriesMax!)
      },
    }
    const synced = await connectApi(address, {
      folder: FOLDER,
      override: { openStorage: async (spec) => withSmallPages(await openStorage(spec, openEgress), sizes) },
    })
    const datasetId = await synced.addDataset()
    const bench = new HostileBench({ gateway, synced, bucket, datasetId, isReconcile, wanted })
    for (const key of ['set', 'set-not/x.txt', 'a.txt', 'zz.txt', 'set/'])
      bucket.put(key, Buffer.from(''), 'text/plain')
    const names = ['é & <b>.txt', 'a+b%2B.txt', '😀.jpg', '-', '0', 'plain.txt']
    for (let at = 0; at < KEYS; at++) bench.#put(`${'abcdef'[at % 6]}/${at % 2}/${Math.floor(at / 6)} ${names[at % 6]}`)
    expect((await bench.sync()).state).toBe('success')
    await bench.expectExact()
    return bench
  }

  async stop(): Promise<void> {
    await this.#synced.close()
    await this.gateway.stop()
    await this.#bucket.close()
  }

  /** What a listing request of these trials is for. */
  placeOf({ isFolded, after, entriesMax }: ListingRequest): Place {
    const wanted = this.#wanted.get(after) ?? entriesMax
    if (isFolded || wanted === 1) return 'guess'
    return wanted === PAGE_MAX ? 'page' : 'confirmation'
  }

  /** Removes two files, changes one, adds one and lets one that is gone come back. */
  change(): void {
    const back = [...this.#gone][0]
    if (back !== undefined) this.#put(back)
    for (let n = 0; n < 2; n++) {
      const path = this.pick()
      this.#files.delete(path)
      this.#gone.add(path)
      this.#bucket.remove(FOLDER + path)
    }
    this.#put(this.pick())
    const at = this.#writes
    if (this.#files.size < KEYS) this.#put(`${'abcdefg'[at % 7]}/1/new ${at}.txt`)
  }

  /** Some file of the bucket. */
  pick(): string {
    return [...this.#files.keys()][Math.floor(this.#random() * this.#files.size)]!
  }

  /** Some files whose items are just what they are. */
  pickUnchanged(rows: ReadonlyMap<string, Row>, count: number): Set<string> {
    const all = [...this.#files].filter(
      ([path, text]) => rows.get(path)?.etag === md5(text) && rows.get(path)!.state === LIVE,
    )
    const picked = new Set<string>()
    while (picked.size < count) picked.add(FOLDER + all[Math.floor(this.#random() * all.length)]![0])
    return picked
  }

  #put(path: string): void {
    const text = `${path} ${this.#writes++}`
    this.#gone.delete(path)
    this.#files.set(path, text)
    this.#bucket.put(FOLDER + path, Buffer.from(text), 'text/plain')
  }

  /** Syncs to the end, with listings spoiled. */
  async sync(spoiler: Spoiler | null = null): Promise<SyncRun> {
    const { api } = this.#synced
    const url = `/api/v1/datasets/${this.#datasetId}`
    this.gateway.spoil(spoiler)
    try {
      const command = await api.call(api.owner, 'POST', `${url}/sync`, {
        json: { reconcile: this.#isReconcile },
      })
      expect(command.text).toContain('"id"')
      await this.#synced.work()
      const run = await api.call(api.owner, 'GET', `${url}/syncs/${command.body.id}`)
      return run.body
    } finally {
      this.gateway.spoil(null)
    }
  }

  /** How the index is now. */
  async rows(): Promise<Map<string, Row>> {
    const { rows } = await this.#synced.api.deps.db.query<Row>(
      `select r.path || i.name as path, i.state, encode(i.etag, 'hex') as etag
         from item i join dataset d using (dataset_no) join dir r on r.dataset_no = i.dataset_no and r.dir_no = i.dir_no where d.id = $1`,
      [this.#datasetId],
    )
    return new Map(rows.map((row) => [row.path, row]))
  }

  /** No item of a file that is there was marked or removed, and none was made of a file that never was: no false ghost. */
  async expectNoGhost(before: ReadonlyMap<string, Row>): Promise<void> {
    const rows = await this.rows()
    const lost = [...before.values()].filter(({ path, state }) => state === LIVE && rows.get(path)?.state !== LIVE)
    expect(lost.map(({ path }) => path).filter((path) => this.#files.has(path))).toEqual([])
    expect([...rows.keys()].filter((path) => !before.has(path) && !this.#files.has(path))).toEqual([])
    await this.#expectSound()
  }

  /** Nothing at all was marked or removed, be it gone or not. */
  async expectNothingMarked(before: ReadonlyMap<string, Row>): Promise<void> {
    const rows = await this.rows()
    expect(
      [...before.values()].filter(
        ({ path, state }) => !rows.has(path) || (state === LIVE && rows.get(path)!.state !== LIVE),
      ),
    ).toEqual([])
  }

  /** The index is what the bucket is: every file, every content, every mark. */
  async expectExact(): Promise<void> {
    const found = [...(await this.rows()).values()].map(({ path, state, etag }) => [
      path,
      state === LIVE ? etag : state,
    ])
    const wanted: unknown[] = [...this.#files].map(([path, text]) => [
      path,
      createHash('md5').update(text).digest('hex'),
    ])
    if (!this.#isReconcile) for (const path of this.#gone) wanted.push([path, MISSING])
    expect(found.sort()).toEqual(wanted.sort())
    await this.#expectSound()
  }

  async #expectSound(): Promise<void> {
    const { db } = this.#synced.api.deps
    const { rows } = await db.query<{ no: number }>('select dataset_no as no from dataset where id = $1', [
      this.#datasetId,
    ])
    expect(await findFolderFaults(db, rows[0]!.no)).toEqual([])
    expect(await findSegmentFaults(db, rows[0]!.no)).toEqual([])
    const points = await dataPointsOf(db, this.#synced.api.orgId)
    expect(points.used).toBe(points.rows)
  }
}

/** Where in a sync its listings are spoiled. */
export interface Spot {
  readonly place: Place
  /** From the so many-th request of this kind on, counted from 1; `last`: the page behind which nothing follows. */
  readonly at: number | 'last'
  /** Once, or every time from there on. */
  readonly isAlways: boolean
}

/** How often a fault that passes comes before it has passed, where it comes every time. */
const STORM = 2

/** Makes a spoiler of a shape at a spot; `applied` tells how often it was. */
function spoilerAt(
  bench: HostileBench,
  shape: HostileShape,
  { place, at, isAlways }: Spot,
): { spoiler: Spoiler; applied(): number } {
  let [met, applied] = [0, 0]
  const timesMax = !isAlways ? 1 : shape.end === 'passing' ? STORM : Number.POSITIVE_INFINITY
  return {
    applied: () => applied,
    spoiler(asked, right) {
      if (bench.placeOf(asked) !== place || applied >= timesMax) return null
      met++
      if (at === 'last' ? right.includes('<IsTruncated>true') : met < at) return null
      const answer = shape.of(right, asked)
      if (answer !== null) applied++
      return answer
    },
  }
}

/**
 * Lets a sync meet a shape and holds what came of it against what must; then a sync in peace must make the index exact, if it is not yet. Answers how the
 * sync ended, or null where no answer of it could be given the shape.
 */
export async function tryShape(bench: HostileBench, shape: HostileShape, spot: Spot): Promise<string | null> {
  bench.change()
  const before = await bench.rows()
  const { spoiler, applied } = spoilerAt(bench, shape, spot)
  // So that there is something to confirm that is there, the listing is not true either: it leaves out two files. Against a storage that tells the same
  // lie twice, once listing and once asked again, nobody can do anything but brake.
  const omitted = spot.place === 'confirmation' && shape.end !== 'lie' ? bench.pickUnchanged(before, 2) : null
  const run = await bench.sync((asked, right) => {
    const listed = omitted && bench.placeOf(asked) === 'page' ? omitEntries(right, (key) => omitted.has(key)) : null
    return listed === null ? spoiler(asked, right) : { body: listed }
  })
  await bench.expectNoGhost(before)
  if (applied() === 0 || spot.place === 'guess' || shape.end === 'truth' || shape.end === 'passing') {
    expect(run).toMatchObject({ state: 'success', errorCode: null })
    await bench.expectExact()
    return applied() === 0 ? null : 'exact'
  }
  if (shape.end === 'lie') {
    expect([run.state, run.errorCode]).toEqual(run.state === 'parked' ? ['parked', 'sync.parked'] : ['success', null])
  } else if (spot.isAlways || run.state !== 'success') {
    expect(run).toMatchObject({ state: REFUSALS.has(shape.end) ? 'parked' : 'failed', errorCode: shape.end })
    expect(run.error).not.toContain('secret words')
    await bench.expectNothingMarked(before)
  } else await bench.expectExact()
  if (run.state !== 'success' || shape.end === 'lie') {
    expect(await bench.sync()).toMatchObject({ state: 'success' })
    await bench.expectExact()
  }
  return run.state === 'success' ? (shape.end === 'lie' ? 'unharmed' : 'exact') : run.state
}

const REFUSALS = new Set(['storage.denied', 'storage.bad_credentials', 'storage.expired_credentials'])

/** Benches that tests of one file take turns with, and what came of all trials. */
export class HostileBenches {
  readonly #idle: HostileBench[] = []
  readonly #all: HostileBench[] = []
  readonly #waiting: ((bench: HostileBench) => void)[] = []
  readonly #outcomes = new Map<string, number>()
  #trials = 0

  async start(count: number, isReconcile: boolean): Promise<void> {
    for (let n = 0; n < count; n++) this.#all.push(await HostileBench.start(isReconcile))
    this.#idle.push(...this.#all)
  }

  async try(shape: HostileShape, spot: Spot): Promise<void> {
    const bench = this.#idle.pop() ?? (await new Promise<HostileBench>((resolve) => this.#waiting.push(resolve)))
    try {
      const outcome = await tryShape(bench, shape, spot)
      if (outcome === null) return
      this.#trials++
      const name = `${spot.place}: ${outcome}`
      this.#outcomes.set(name, (this.#outcomes.get(name) ?? 0) + 1)
    } finally {
      const next = this.#waiting.shift()
      if (next) next(bench)
      else this.#idle.push(bench)
    }
  }

  /** Trials in which a sync met a wrong answer. */
  get trials(): number {
    return this.#trials
  }

  report(what: string): void {
    const outcomes = [...this.#outcomes].map(([name, count]) => `${name} ${count}`).join('; ')
    console.info(`${what}: ${this.#trials} syncs met a wrong answer (${outcomes})`)
  }

  async stop(): Promise<void> {
    for (const bench of this.#all) await bench.stop()
  }
}
