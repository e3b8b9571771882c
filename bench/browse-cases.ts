import { itemId } from '#lib/ids.ts'
import type { Api } from './api.ts'
import { type BrowseTree, flatPath, type Seeded } from './browse-seed.ts'
import { mix } from './replay/layouts.ts'

/** One kind of request that people's browsing makes, with a different place each time. */
export interface BrowseCase {
  readonly name: string
  /** Whether it counts towards the result's overall percentiles: what a person clicks through, not what a script walks. */
  readonly isBrowsing: boolean
  /** Sends the request of a number; the same number asks for the same thing. */
  send(api: Api, number: number): Promise<string>
  /** Throws unless the answer is right. */
  check(text: string, number: number): void
}

interface Item {
  readonly id: string
  readonly filename: string
}

/** The seeded dataset the requests are about. */
export interface Browsed {
  readonly tree: BrowseTree
  readonly datasetId: string
  readonly seeded: Seeded
  /** `next` of pages of the flat folder, spread over all of it. */
  readonly flatCursors: readonly string[]
}

const pageSize = 100

/** The requests that are measured, each at places spread over the whole dataset. */
export function browseCases(browsed: Browsed): BrowseCase[] {
  return [...pageCases(browsed), ...singleCases(browsed), ...queryCases(browsed)]
}

function pageCases({ tree, datasetId, flatCursors }: Browsed): BrowseCase[] {
  const items = `/datasets/${datasetId}/items?limit=${pageSize}&dir=`
  const folders = `/datasets/${datasetId}/folders?limit=${pageSize}&dir=`
  const cameraOf = (number: number) => mix(number, 23) % (tree.sets * tree.cameras)
  return [
    {
      name: 'folder page, a leaf folder',
      isBrowsing: true,
      send: (api, number) =>
        api.fetchText('GET', items + encodeURIComponent(shown(tree.leafPath(leafOf(tree, number))))),
      check: (text, number) => expectNames(text, leafNames(tree, leafOf(tree, number)).slice(0, pageSize)),
    },
    {
      name: 'folder page, anywhere in the flat folder',
      isBrowsing: true,
      send: (api, number) => {
        const cursor = flatCursors[mix(number, 22) % flatCursors.length] ?? ''
        return api.fetchText(
          'GET',
          `${items}${encodeURIComponent(shown(flatPath))}&after=${encodeURIComponent(cursor)}`,
        )
      },
      check: (text) => {
        const { items: found } = JSON.parse(text) as { items: Item[] }
        if (found.length !== pageSize || !found.every((item) => item.filename.startsWith('/flat/')))
          throw new Error(`wrong page: ${text.slice(0, 300)}`)
      },
    },
    {
      name: 'child folders with counts',
      isBrowsing: true,
      send: (api, number) =>
        api.fetchText('GET', folders + encodeURIComponent(shown(tree.cameraPath(cameraOf(number))))),
      check: (text, number) => {
        const { folders: found } = JSON.parse(text) as { folders: { filename: string; items: number }[] }
        const first = cameraOf(number) * tree.scenes
        const wanted = Array.from({ length: Math.min(pageSize, tree.scenes) }, (_, scene) => {
          const { from, to } = tree.leafRange(first + scene)
          return `${shown(tree.leafPath(first + scene))} ${to - from}`
        })
        expectSame(
          found.map((folder) => `${folder.filename} ${folder.items}`),
          wanted,
        )
      },
    },
  ]
}

function singleCases({ tree, datasetId, seeded }: Browsed): BrowseCase[] {
  const pathOf = (number: number) => {
    const leaf = leafOf(tree, number)
    const { from, to } = tree.leafRange(leaf)
    return `/${tree.leafPath(leaf)}${tree.deepName(from + (mix(number, 24) % (to - from)))}`
  }
  const idOf = (number: number) => itemId(seeded.datasetNo, seeded.firstItemNo + BigInt(mix(number, 25) % tree.count))
  return [
    {
      name: 'item by path',
      isBrowsing: true,
      send: (api, number) =>
        api.fetchText('GET', `/datasets/${datasetId}/items/by-path?path=${encodeURIComponent(pathOf(number))}`),
      check: (text, number) => expectSame([(JSON.parse(text) as Item).filename], [pathOf(number)]),
    },
    {
      name: 'item by id',
      isBrowsing: true,
      send: (api, number) => api.fetchText('GET', `/items/${idOf(number)}`),
      check: (text, number) => expectSame([(JSON.parse(text) as Item).id], [idOf(number)]),
    },
  ]
}

function queryCases({ tree, datasetId, seeded }: Browsed): BrowseCase[] {
  const query = `/datasets/${datasetId}/query`
  const files = [{ hidden: false }, { type: 'file' }]
  const idAt = (index: number) => itemId(seeded.datasetNo, seeded.firstItemNo + BigInt(index))
  // Never so late that no full page follows.
  const startOf = (number: number, size: number) => mix(number, 26) % Math.max(1, tree.count - size - 1)
  const byId = (size: number): BrowseCase => ({
    name: `page of ${size} by id, as the SDK walks a dataset`,
    isBrowsing: false,
    send: (api, number) => {
      const $and = [...files, { id: { $gt: idAt(startOf(number, size)) } }]
      return api.fetchText('POST', query, {
        filter: { $and },
        sort: { id: 'ascending' },
        page: 0,
        pageSize: size,
        resource: 'items',
      })
    },
    check: (text, number) => {
      const { items } = JSON.parse(text) as { items: Item[] }
      const first = startOf(number, size) + 1
      expectSame(
        items.map((item) => item.id),
        Array.from({ length: Math.min(size, tree.count - first) }, (_, i) => idAt(first + i)),
      )
    },
  })
  return [
    byId(100),
    byId(1000),
    {
      name: 'query by folder',
      isBrowsing: true,
      send: (api, number) => {
        const $and = [...files, { dir: shown(tree.leafPath(leafOf(tree, number))) }]
        return api.fetchText('POST', query, {
          filter: { $and },
          sort: { filename: 'ascending' },
          page: 0,
          pageSize,
          resource: 'items',
        })
      },
      check: (text, number) => expectNames(text, leafNames(tree, leafOf(tree, number)).slice(0, pageSize)),
    },
  ]
}

/** Reads the flat folder to its end and keeps the cursor of every thousandth item. */
export async function readFlatCursors(api: Api, datasetId: string, tree: BrowseTree): Promise<string[]> {
  const cursors: string[] = []
  let count = 0
  let after = ''
  for (;;) {
    const path = `/datasets/${datasetId}/items?limit=1000&dir=${encodeURIComponent(shown(flatPath))}${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`
    const page = await api.call<{ items: Item[]; next: string | null }>('GET', path)
    count += page.items.length
    if (page.next === null) break
    after = page.next
    cursors.push(after)
  }
  if (count !== tree.flatItems) throw new Error(`the flat folder gave ${count} items instead of ${tree.flatItems}`)
  // The last page may be shorter than the pages that are asked for.
  return cursors.slice(0, -1)
}

function leafOf(tree: BrowseTree, number: number): number {
  return mix(number, 21) % tree.leaves
}

function leafNames(tree: BrowseTree, leaf: number): string[] {
  const { from, to } = tree.leafRange(leaf)
  return Array.from({ length: to - from }, (_, i) => `/${tree.leafPath(leaf)}${tree.deepName(from + i)}`)
}

/** A folder as the API shows it: from the root, without the last slash. */
function shown(path: string): string {
  return `/${path.slice(0, -1)}`
}

function expectNames(text: string, wanted: readonly string[]): void {
  expectSame(
    (JSON.parse(text) as { items: Item[] }).items.map((item) => item.filename),
    wanted,
  )
}

function expectSame(found: readonly string[], wanted: readonly string[]): void {
  if (found.length !== wanted.length || found.some((text, i) => text !== wanted[i])) {
    throw new Error(
      `the answer is wrong: ${found.length} entries from ${found[0]} instead of ${wanted.length} from ${wanted[0]}`,
    )
  }
}
