import { once } from 'node:events'
import type { Writable } from 'node:stream'
import pgCopy from 'pg-copy-streams'
import type { DbClient, DbPool } from '#db/connect.ts'
import { ITEM_NO_SEQUENCE_BITS } from '#lib/ids.ts'
import { etagAt, modifiedAt, sizeAt } from './replay/entry.ts'

/**
 * The tree that browsing is measured in: ten sets, a hundred cameras in each, a hundred scenes in each of those (100,000 leaf folders
 * for 10 M items, fewer of each for fewer items), and one flat folder with a tenth of all items.
 */
export class BrowseTree {
  readonly count: number
  readonly sets = 10
  readonly cameras: number
  readonly scenes: number
  readonly flatItems: number
  readonly leaves: number

  constructor(count: number) {
    this.count = count
    this.flatItems = Math.floor(count / 10)
    // A hundredth of the items are leaf folders, spread evenly over two levels below the sets.
    const perSet = Math.max(1, Math.floor(count / 100 / this.sets))
    this.scenes = Math.max(1, Math.min(100, Math.round(Math.sqrt(perSet))))
    this.cameras = Math.max(1, Math.floor(perSet / this.scenes))
    this.leaves = this.sets * this.cameras * this.scenes
  }

  /** Items of a leaf; the first leaves take what does not divide. */
  leafRange(leaf: number): { from: number; to: number } {
    const deep = this.count - this.flatItems
    return { from: Math.floor((deep * leaf) / this.leaves), to: Math.floor((deep * (leaf + 1)) / this.leaves) }
  }

  setPath(set: number): string {
    return `set-${pad(set, 2)}/`
  }

  cameraPath(camera: number): string {
    return `${this.setPath(Math.floor(camera / this.cameras))}cam-${pad(camera % this.cameras, 4)}/`
  }

  leafPath(leaf: number): string {
    return `${this.cameraPath(Math.floor(leaf / this.scenes))}scene-${pad(leaf % this.scenes, 4)}/`
  }

  /** Name of the item with an index within the deep part. */
  deepName(index: number): string {
    return `frame_${pad(index, 10)}.jpg`
  }

  /** Name of the item with an index within the flat folder. */
  flatName(index: number): string {
    return `obj_${pad(index, 10)}.jpg`
  }
}

/** Path of the flat folder. */
export const flatPath = 'flat/'

const rootNo = 1
const flatNo = 2
const firstSetNo = 3

/** What is needed to know the items' ids. */
export interface Seeded {
  readonly datasetNo: number
  /** Number of the item with index 0; the others follow in order, the flat folder's last. */
  readonly firstItemNo: bigint
}

/** What people gave the item with an index: its document as JSON without back slashes, and how many annotations it has. */
export type GivenAt = (index: number) => { readonly document: string; readonly annotations: number }

/**
 * Fills a new dataset with the tree by COPY, counters included, and lets the database gather its statistics. With `givenAt` the items have documents and
 * counts of annotations as well; the index of documents is made afterwards then, which takes a fraction of the time.
 */
export async function seedTree(
  pool: DbPool,
  datasetId: string,
  tree: BrowseTree,
  givenAt: GivenAt | null = null,
): Promise<Seeded> {
  const client = await pool.connect()
  try {
    const { rows } = await client.query<{ no: number }>('select dataset_no as no from dataset where id = $1', [
      datasetId,
    ])
    const datasetNo = rows[0]!.no
    const type = await client.query<{ no: number }>(
      `insert into media_type (name) values ('image/jpeg') on conflict (name) do update set name = excluded.name returning type_no as no`,
    )
    const firstItemNo = BigInt(Date.now()) << ITEM_NO_SEQUENCE_BITS
    await client.query('begin')
    await client.query('delete from dir where dataset_no = $1', [datasetNo])
    const index = await client.query<{ def: string }>("select pg_get_indexdef('item_document'::regclass) as def")
    if (givenAt !== null) await client.query('drop index item_document')
    await copyRows(
      client,
      `item (dataset_no, item_no, dir_no, name, size_bytes, etag, modified_at, type_no, ticket${givenAt === null ? '' : ', metadata, annotations'})`,
      itemLines(tree, datasetNo, firstItemNo, type.rows[0]!.no, givenAt),
    )
    if (givenAt !== null) await client.query(index.rows[0]!.def)
    await copyRows(
      client,
      'dir (dataset_no, dir_no, parent_no, path, name, items, bytes, deep_items, deep_bytes)',
      folderLines(tree, datasetNo),
    )
    await client.query(
      `insert into dataset_numbers (dataset_no, last_item_no, last_dir_no) values ($1, $2, $3)
       on conflict (dataset_no) do update set last_item_no = excluded.last_item_no, last_dir_no = excluded.last_dir_no`,
      [datasetNo, (firstItemNo + BigInt(tree.count)).toString(), leafNo(tree, tree.leaves)],
    )
    await client.query('commit')
    await client.query('vacuum (analyze) item, dir')
    return { datasetNo, firstItemNo }
  } finally {
    client.release()
  }
}

function leafNo(tree: BrowseTree, leaf: number): number {
  return firstSetNo + tree.sets + tree.sets * tree.cameras + leaf
}

function* itemLines(
  tree: BrowseTree,
  datasetNo: number,
  firstItemNo: bigint,
  typeNo: number,
  givenAt: GivenAt | null,
): Generator<string> {
  const given = (index: number): string => {
    if (givenAt === null) return ''
    const { document, annotations } = givenAt(index)
    return `\t${document}\t${annotations}`
  }
  const line = (index: number, dirNo: number, name: string) =>
    `${datasetNo}\t${firstItemNo + BigInt(index)}\t${dirNo}\t${name}\t${sizeAt(index)}\t\\\\x${etagAt(index).slice(0, 32)}\t${new Date(modifiedAt(index)).toISOString()}\t${typeNo}\t1${given(index)}\n`
  for (let leaf = 0; leaf < tree.leaves; leaf++) {
    const { from, to } = tree.leafRange(leaf)
    for (let index = from; index < to; index++) yield line(index, leafNo(tree, leaf), tree.deepName(index))
  }
  for (let i = 0; i < tree.flatItems; i++) yield line(tree.count - tree.flatItems + i, flatNo, tree.flatName(i))
}

interface Sum {
  items: number
  bytes: number
}

function* folderLines(tree: BrowseTree, datasetNo: number): Generator<string> {
  const none: Sum = { items: 0, bytes: 0 }
  const line = (no: number, parent: number, path: string, own: Sum, deep: Sum) => {
    const name = path.slice(path.lastIndexOf('/', path.length - 2) + 1).replace(/\/$/, '')
    return `${datasetNo}\t${no}\t${parent}\t${path}\t${name}\t${own.items}\t${own.bytes}\t${deep.items}\t${deep.bytes}\n`
  }
  const sets = Array.from({ length: tree.sets }, () => ({ ...none }))
  const cameras = Array.from({ length: tree.sets * tree.cameras }, () => ({ ...none }))
  const all = { ...none }
  const firstCameraNo = firstSetNo + tree.sets
  for (let leaf = 0; leaf < tree.leaves; leaf++) {
    const camera = Math.floor(leaf / tree.scenes)
    const { from, to } = tree.leafRange(leaf)
    const own = sumOf(from, to)
    for (const sum of [cameras[camera]!, sets[Math.floor(camera / tree.cameras)]!, all]) add(sum, own)
    yield line(leafNo(tree, leaf), firstCameraNo + camera, tree.leafPath(leaf), own, own)
  }
  for (const [camera, sum] of cameras.entries())
    yield line(
      firstCameraNo + camera,
      firstSetNo + Math.floor(camera / tree.cameras),
      tree.cameraPath(camera),
      none,
      sum,
    )
  for (const [set, sum] of sets.entries()) yield line(firstSetNo + set, rootNo, tree.setPath(set), none, sum)
  const flat = sumOf(tree.count - tree.flatItems, tree.count)
  yield line(flatNo, rootNo, flatPath, flat, flat)
  add(all, flat)
  yield line(rootNo, 0, '', none, all)
}

function sumOf(from: number, to: number): Sum {
  let bytes = 0
  for (let index = from; index < to; index++) bytes += sizeAt(index)
  return { items: to - from, bytes }
}

function add(to: Sum, what: Sum): void {
  to.items += what.items
  to.bytes += what.bytes
}

async function copyRows(client: DbClient, into: string, lines: Iterable<string>): Promise<void> {
  const stream = client.query(pgCopy.from(`copy ${into} from stdin`))
  const ended = once(stream, 'finish')
  ended.catch(() => {})
  let text = ''
  for (const line of lines) {
    text += line
    if (text.length >= 262_144) {
      await send(stream, text, ended)
      text = ''
    }
  }
  stream.end(text)
  await ended
}

async function send(stream: Writable, text: string, ended: Promise<unknown>): Promise<void> {
  if (!stream.write(text)) await Promise.race([once(stream, 'drain'), ended])
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
