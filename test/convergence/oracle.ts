// What must be true of a world at rest, worked out from its bucket in the plainest way; and what must be true of it at any moment.
import { hashObserved, RowHash } from '#core/catalog/catalog.ts'
import { compilePatterns } from '#core/patterns/patterns.ts'
import { packEtag } from '#lib/etag.ts'
import type { MemoryObject } from '#storage/memory/memory.ts'
import type { World, WorldDataset } from './world.ts'

interface ItemRow {
  readonly itemNo: string
  readonly dirNo: number
  readonly path: string
  readonly name: string
  readonly state: number
  readonly flags: number
  readonly ticket: number
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly etag: Buffer
  readonly type: string
  readonly note: string | null
}

const LIVE = 0
const MISSING = 1
const EXCLUDED = 2

async function readItems(world: World, { datasetNo }: WorldDataset): Promise<ItemRow[]> {
  const { rows } = await world.db.query<ItemRow>(
    `select i.item_no::text as "itemNo", i.dir_no as "dirNo", f.path, i.name, i.state, i.flags, i.ticket, i.size_bytes as "sizeBytes",
            (extract(epoch from i.modified_at) * 1000)::float8 as "modifiedMs", i.etag, t.name as type, i.metadata->>'note' as note
       from item i
       join dir f on f.dataset_no = i.dataset_no and f.dir_no = i.dir_no
       join media_type t on t.type_no = i.type_no
      where i.dataset_no = $1 order by i.item_no`,
    [datasetNo],
  )
  return rows
}

/** Files of the bucket that must be items of the dataset, and those that its patterns keep out, by path below the driver's folder. */
function expected(world: World, dataset: WorldDataset) {
  const wanted = new Map<string, MemoryObject>()
  const refused = new Set<string>()
  const patterns = compilePatterns(dataset.patterns)
  for (const object of world.bucket.from(Buffer.from(dataset.folder))) {
    const key = object.key.toString()
    if (!key.startsWith(dataset.folder)) break
    const path = key.slice(dataset.folder.length)
    const isHidden = path.split('/').slice(0, -1).includes('.dataloop')
    const isMarker = path.endsWith('/') && object.sizeBytes === 0
    if (path === '' || isHidden || isMarker) continue
    if (patterns !== null && patterns.refusal(path) !== null) refused.add(path)
    else wanted.set(path, object)
  }
  return { wanted, refused }
}

const types: Readonly<Record<string, string>> = { txt: 'text/plain', jpg: 'image/jpeg' }

/** Everything about a dataset's items that is not as the bucket is (I1, I2, I4, I5, I6), as far as it must be `known`. */
async function itemDifferences(
  world: World,
  dataset: WorldDataset,
  known: (path: string) => boolean,
): Promise<string[]> {
  const wrong: string[] = []
  const { wanted, refused } = expected(world, dataset)
  const items = await readItems(world, dataset)
  const met = new Set<string>()
  for (const item of items) {
    const path = item.path + item.name
    if (met.has(path)) wrong.push(`${path} is there twice`)
    met.add(path)
    if (!world.everThere.has(dataset.folder + path)) wrong.push(`${path} was never in the bucket`)
    if (!known(path)) continue
    const object = wanted.get(path)
    if (object === undefined) {
      const isThere = refused.has(path)
      // A missing item whose file came back while the patterns kept it out is not looked at by a sync; either state is no lie.
      const allowed = isThere ? [EXCLUDED, MISSING] : [MISSING, EXCLUDED]
      if (!allowed.includes(item.state))
        wrong.push(`${path} has state ${item.state}, and its file is ${isThere ? 'kept out' : 'gone'}`)
      continue
    }
    if (item.state !== LIVE) wrong.push(`${path} is there and has state ${item.state}`)
    if (!item.etag.equals(packEtag(object.etag)) || item.sizeBytes !== object.sizeBytes)
      wrong.push(`${path} has another content than its file`)
    if (item.modifiedMs !== object.modifiedMs) wrong.push(`${path} has another time than its file`)
    const parts = path.split('/')
    const flags = (parts.some((part) => part.startsWith('.')) ? 1 : 0) + (parts.some((part) => part === '..') ? 2 : 0)
    if ((item.flags & 7) !== flags) wrong.push(`${path} has flags ${item.flags}, not ${flags}`)
    const type = types[/\.(\w+)$/.exec(path)?.[1] ?? ''] ?? 'application/octet-stream'
    if (item.type !== type) wrong.push(`${path} is ${item.type}, not ${type}`)
  }
  for (const path of wanted.keys())
    if (!met.has(path) && known(path)) wrong.push(`${path} is in the bucket and no item`)
  return wrong
}

/** Counters and fingerprints that are not what the rows come to. */
async function folderDifferences(world: World, dataset: WorldDataset): Promise<string[]> {
  const wrong: string[] = []
  const items = await readItems(world, dataset)
  const { rows } = await world.db.query<{
    no: number
    parent: number
    path: string
    name: string
    items: number
    bytes: number
    deepItems: number
    deepBytes: number
    fp: string
  }>(
    `select dir_no as no, parent_no as parent, path, name, items, bytes, deep_items as "deepItems", deep_bytes as "deepBytes", fp::text from dir
      where dataset_no = $1`,
    [dataset.datasetNo],
  )
  const hash = new RowHash(dataset.datasetNo)
  const numbers = new Map(rows.map((row) => [row.path, row.no]))
  const sum = (of: readonly ItemRow[]) => of.reduce((bytes, item) => bytes + item.sizeBytes, 0)
  for (const folder of rows) {
    const own = items.filter((item) => item.dirNo === folder.no)
    const deep = items.filter((item) => item.path.startsWith(folder.path))
    let [high, low] = [0, 0]
    for (const item of own.filter(({ state }) => state === LIVE)) {
      hashObserved(hash, { ...item, name: Buffer.from(item.name), isArchived: (item.flags & 4) !== 0 })
      high ^= hash.high
      low ^= hash.low
    }
    const counted = [own.length, sum(own), deep.length, sum(deep), String((BigInt(high) << 32n) | BigInt(low >>> 0))]
    const kept = [folder.items, folder.bytes, folder.deepItems, folder.deepBytes, folder.fp]
    if (String(kept) !== String(counted))
      wrong.push(`folder “${folder.path}” says ${kept}, and its rows come to ${counted}`)
    const parent = folder.path === '' ? 0 : numbers.get(folder.path.slice(0, -folder.name.length - 1))
    if (parent !== folder.parent) wrong.push(`folder “${folder.path}” hangs below ${folder.parent}, not ${parent}`)
  }
  return wrong
}

/** What must be true of a world at rest; empty when it is. */
export async function differences(world: World): Promise<string[]> {
  const wrong: string[] = []
  let rowsInAll = 0
  for (const dataset of world.datasets) {
    const found = [
      ...(await itemDifferences(world, dataset, await world.known(dataset))),
      ...(await folderDifferences(world, dataset)),
    ]
    wrong.push(...found.map((line) => `dataset of “${dataset.folder}”: ${line}`))
    rowsInAll += (await readItems(world, dataset)).length
  }
  const { rows } = await world.db.query<{
    used: number
    dirty: number
    left: number
    twice: number
    failed: string
  }>(
    `select (select used from data_points where org_id = $1) as used,
            (select count(*) from dirty where source_no = $2) as dirty,
            (select count(*) from sync_run r where r.dataset_no = any($3::int[])
              and (r.state in ('queued', 'running', 'paused', 'parked') or exists (select 1 from absence a where a.run_no = r.run_no)
                   or exists (select 1 from sync_range g where g.run_no = r.run_no))) as left,
            (select count(*) from removed x join item i on i.dataset_no = x.dataset_no and i.dir_no = x.dir_no and i.name = x.name
              where x.dataset_no = any($3::int[]) and x.item_no is not null) as twice,
            (select string_agg(error, ' ') from sync_run r where r.dataset_no = any($3::int[]) and r.state = 'failed' and r.error_code = 'server.internal') as failed`,
    [world.orgId, world.sourceNo, world.datasets.map(({ datasetNo }) => datasetNo)],
  )
  const all = rows[0]!
  if (all.used !== rowsInAll) wrong.push(`${all.used} data points are used for ${rowsInAll} items`)
  if (all.dirty !== 0) wrong.push(`${all.dirty} keys are still dirty`)
  if (all.left !== 0) wrong.push(`${all.left} syncs are not finished, or left something behind`)
  if (all.twice !== 0) wrong.push(`${all.twice} items are there and kept as removed as well`)
  if (all.failed !== null) wrong.push(`a sync failed on our side: ${all.failed}`)
  for (const actor of world.actors) if (actor.failure !== null) wrong.push(`${actor.name} threw ${actor.failure}`)
  return wrong
}

/** Follows tickets, numbers and notes of items from one moment to the next. */
export class Witness {
  readonly #tickets = new Map<string, number>()
  readonly #numbers = new Map<string, string>()
  readonly #notes = new Map<string, string>()
  readonly wrong: string[] = []
  readonly #mayDrop: boolean

  /** `mayDrop`: a first sync without enough data points takes back what it wrote, and then everything is new. */
  constructor(options: { readonly mayDrop: boolean }) {
    this.#mayDrop = options.mayDrop
  }

  /** Looks once: no ticket may have fallen (I3), no item may have another number than it ever had, and no metadata may be lost. */
  async look(world: World): Promise<void> {
    const { rows } = await world.db.query<{
      place: string
      ticket: number
      no: string | null
      note: string | null
    }>(
      `select x.dataset_no || ':' || f.path || x.name as place, x.ticket, x.item_no::text as no, x.metadata->>'note' as note
         from (select dataset_no, dir_no, name, ticket, item_no, metadata from item where dataset_no = any($1::int[])
               union all
               select dataset_no, dir_no, name, ticket, item_no, metadata from removed r where dataset_no = any($1::int[])
                  and not exists (select 1 from item i where i.dataset_no = r.dataset_no and i.dir_no = r.dir_no and i.name = r.name)) x
         join dir f on f.dataset_no = x.dataset_no and f.dir_no = x.dir_no`,
      [world.datasets.map(({ datasetNo }) => datasetNo)],
    )
    for (const { place, ticket, no, note } of rows) {
      const before = this.#tickets.get(place) ?? 0
      if (ticket < before) this.wrong.push(`the ticket of ${place} fell from ${before} to ${ticket}`)
      this.#tickets.set(place, ticket)
      if (no === null || this.#mayDrop) continue
      const number = this.#numbers.get(place) ?? no
      if (number !== no) this.wrong.push(`${place} was item ${number} and is ${no}`)
      this.#numbers.set(place, no)
      const written = this.#notes.get(place)
      if (written !== undefined && written !== note) this.wrong.push(`${place} had the note ${written} and has ${note}`)
      if (note !== null) this.#notes.set(place, note)
    }
  }

  /** A user has written notes: what was known is no longer so. */
  forget(): void {
    this.#notes.clear()
  }
}
