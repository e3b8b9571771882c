// What the buckets of these tests hold: many folders, and the keys that are easy to get wrong.
import { createHash } from 'node:crypto'
import type { Bucket } from '../../src/demo/bucket.ts'

/** An object as a test put it. */
export interface StoredObject {
  readonly bytes: Buffer
  readonly modifiedMs: number
}

/** Everything in a bucket, by key. */
export type Content = ReadonlyMap<string, StoredObject>

/** The driver's folder; keys outside it must never be seen. */
export const FOLDER = 'data/'

const EPOCH_MS = Date.UTC(2026, 2, 1)

/** An object whose bytes tell which version of its key it is. */
function object(key: string, version: number): StoredObject {
  const bytes = createHash('sha256').update(`${key}|${version}`).digest()
  return {
    bytes: bytes.subarray(0, 1 + (bytes[0]! % 31)),
    modifiedMs: EPOCH_MS + version * 86_400_000 + bytes[1]! * 1000,
  }
}

const odd = [
  'a//b',
  '/lead',
  'caf\u00e9/1.jpg',
  'cafe\u0301/1.jpg',
  '\u{1f600}.png',
  '\uff5e.png',
  'x+y %41?#&<>"\'.txt',
  'with space/and tab\t.TXT',
  'up/../and/./down.bin',
  '.',
  'dots/..',
  '.git/config',
  'frames/.thumb.png',
  '.dataloop/thumbnails/1.jpg',
  'frames/.dataloop/2.jpg',
  'file-with-slash/',
  'nul\0name.txt',
  'nul\0folder/name.txt',
  `long/${'n'.repeat(2601)}`,
  `long/${'n'.repeat(2600)}`,
  '\u0001control',
  'noextension',
  'many.dots.tar.gz',
]
const markers = ['frames/', 'empty/', 'deep/a/', '.dataloop/', 'nul\0marker/']
const outside = ['data', 'data-2/x.txt', 'data.txt', 'Data/x.txt', 'zzz', '.dataloop/x']

/** The first version of the bucket: about `files` files below the driver's folder, and more around it. */
export function firstContent(files: number): Content {
  const keys: string[] = []
  for (let n = 0; n < files; n++) {
    const no = String(n).padStart(6, '0')
    if (n % 20 < 11) keys.push(`frames/cam-${n % 7}/${no}.jpg`)
    else if (n % 20 < 15) keys.push(`${no}.json`)
    else if (n % 20 < 18) keys.push(`deep/a/b/c/d-${n % 3}/${no}.bin`)
    else keys.push(`one-each/${no}/only.txt`)
  }
  const content = new Map<string, StoredObject>()
  for (const key of [...keys, ...odd]) content.set(FOLDER + key, object(key, 0))
  content.set(FOLDER, object('', 0))
  for (const key of markers) content.set(FOLDER + key, { bytes: Buffer.alloc(0), modifiedMs: EPOCH_MS })
  for (const key of outside) content.set(key, object(key, 0))
  return content
}

/** The next version: of the files one in `every` changed, one gone, one new beside it, and a folder that was not there. */
export function nextContent(before: Content, version: number, every: number): Map<string, StoredObject> {
  const content = new Map(before)
  let n = version
  for (const [key, { bytes }] of before) {
    if (bytes.length === 0 || !key.startsWith(FOLDER)) continue
    const kind = n++ % every
    if (kind === 1) content.set(key, object(key, version))
    else if (kind === 4) content.delete(key)
    else if (kind === 7) content.set(`${key}.v${version}`, object(key, version))
  }
  for (let i = 0; i < 60; i++) content.set(`${FOLDER}new-${version}/sub-${i % 4}/${i}.txt`, object(String(i), version))
  return content
}

/** A version in which every second file that went between two others is back, in turns with its old bytes and with new ones. */
export function withReturned(content: Content, full: Content, version: number): Content {
  const returned = new Map(content)
  let n = 0
  for (const [key, stored] of full)
    if (!content.has(key) && n++ % 2 === 0) returned.set(key, n % 4 === 1 ? stored : object(key, version))
  return returned
}

/** Turns a bucket that holds `before` into one that holds `content`; what the product itself has put there, such as the driver's mark, stays. */
export function fillBucket(bucket: Bucket, before: Content, content: Content): void {
  for (const key of before.keys()) if (!content.has(key)) bucket.remove(key)
  for (const [key, { bytes, modifiedMs }] of content) bucket.put(key, bytes, 'application/octet-stream', modifiedMs)
}
