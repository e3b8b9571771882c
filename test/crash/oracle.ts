// What an index must hold after a sync, worked out from the bucket's content alone, in the plainest way there is; shares no code with the product.
import mime from 'mime'
import type { SkipReason } from '#contract/skip-reasons.ts'
import { type Content, FOLDER, type StoredObject } from './content.ts'

/** An item as the storage tells it. */
export interface OracleItem {
  /** Path of its folder below the driver's: empty, or with a slash at the end. */
  readonly folder: string
  readonly name: string
  readonly object: StoredObject
  readonly type: string
  /** 1 hidden, 2 unaddressable. */
  readonly flags: number
}

/** Everything an index must hold. */
export interface Oracle {
  /** By path. */
  readonly items: ReadonlyMap<string, OracleItem>
  /** By key, each with its reason. */
  readonly skipped: ReadonlyMap<string, SkipReason>
  readonly counts: { listed: number; items: number; markers: number; hidden: number; skipped: number }
}

const HIDDEN_FOLDER = '.dataloop'
const NAME_BYTES_MAX = 2600

/** Works out what is to be made of a bucket. */
export function oracleOf(content: Content): Oracle {
  const items = new Map<string, OracleItem>()
  const skipped = new Map<string, SkipReason>()
  const counts = { listed: 0, items: 0, markers: 0, hidden: 0, skipped: 0 }
  for (const [key, object] of content) {
    if (!key.startsWith(FOLDER)) continue
    counts.listed++
    const item = itemOf(key.slice(FOLDER.length), object)
    if (item === 'marker') counts.markers++
    else if (item === 'hidden') counts.hidden++
    else if (typeof item === 'string') {
      counts.skipped++
      skipped.set(key, item)
    } else {
      counts.items++
      items.set(item.folder + item.name, item)
    }
  }
  return { items, skipped, counts }
}

function itemOf(path: string, object: StoredObject): OracleItem | 'marker' | 'hidden' | SkipReason {
  const isEmpty = object.bytes.length === 0
  if (path === '') return isEmpty ? 'marker' : 'folder-itself'
  const segments = path.split('/')
  // A file whose name ends in a slash: the slash belongs to the name.
  if (segments.at(-1) === '') segments.splice(-2, 2, `${segments.at(-2)}/`)
  const name = segments.pop()!
  const folder = segments.map((segment) => `${segment}/`).join('')
  if (Buffer.byteLength(name) > NAME_BYTES_MAX || Buffer.byteLength(folder) > NAME_BYTES_MAX) return 'too-long'
  if (path.includes('\0')) return 'not-text'
  if (segments.includes(HIDDEN_FOLDER)) return 'hidden'
  if (isEmpty && name.endsWith('/')) return 'marker'
  const all = [...segments, name]
  const flags =
    (all.some((segment) => segment.startsWith('.')) ? 1 : 0) + (all.some((s) => s === '.' || s === '..') ? 2 : 0)
  const dot = name.lastIndexOf('.')
  const type = (dot < 0 ? null : mime.getType(name.slice(dot + 1))) ?? 'application/octet-stream'
  return { folder, name, object, type, flags }
}

/** The folder that holds a folder; paths as they are stored, with a slash at the end. */
export function parentOf(path: string): string {
  return path.slice(0, path.slice(0, -1).lastIndexOf('/') + 1)
}

/** Own and subtree counters of a folder. */
export interface FolderCounters {
  items: number
  bytes: number
  deepItems: number
  deepBytes: number
}

/** Counters of every folder above the given items, the root included. */
export function foldersOf(items: Iterable<{ folder: string; sizeBytes: number }>): Map<string, FolderCounters> {
  const folders = new Map<string, FolderCounters>()
  const counters = (path: string): FolderCounters => {
    const found = folders.get(path) ?? { items: 0, bytes: 0, deepItems: 0, deepBytes: 0 }
    folders.set(path, found)
    return found
  }
  counters('')
  for (const { folder, sizeBytes } of items) {
    const own = counters(folder)
    own.items++
    own.bytes += sizeBytes
    for (let path = folder; ; path = parentOf(path)) {
      const above = counters(path)
      above.deepItems++
      above.deepBytes += sizeBytes
      if (path === '') break
    }
  }
  return folders
}
