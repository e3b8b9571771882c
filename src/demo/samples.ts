import { crc32, deflateSync } from 'node:zlib'

/** One object to put into the sample bucket. */
export interface Sample {
  readonly key: string
  readonly bytes: Buffer
  readonly contentType: string
  /** Fixed, so that a bucket made anew holds the very same objects. */
  readonly modifiedMs: number
}

const FIRST_MS = Date.UTC(2025, 0, 6, 9)
const PICTURES = 240

/** Keys that break naive code: each is a file of the sample bucket and must come back byte for byte. */
export const oddKeys: readonly string[] = [
  'odd names/with spaces and (brackets).txt',
  'odd names/plus+sign.txt',
  'odd names/100%.txt',
  'odd names/already%20escaped%2Fslash.txt',
  'odd names/hash#tag?query=1&x=2.txt',
  'odd names/quotes "double" \'single\' <angle>.txt',
  'odd names/back\\slash.txt',
  'odd names/caf\u00e9 composed.txt',
  'odd names/cafe\u0301 decomposed.txt',
  'odd names/日本語のファイル.txt',
  'odd names/😀 emoji.txt',
  'odd names/\uff5e full-width tilde sorts before emoji in bytes, after it in UTF-16.txt',
  'odd names/ leading and trailing space ',
  'odd names/tab\tand line\nbreak.txt',
  'odd names/UPPER.TXT',
  'odd names/upper.txt',
  `odd names/${'long'.repeat(200)}.txt`,
  'odd names//double//slash.txt',
  '/leading slash.txt',
  'odd names/no extension',
  'odd names/.hidden by a dot.txt',
  'odd names/..two dots are a name here.txt',
  'odd names/dot/./segment.txt',
  'odd names/dot/../segments.txt',
  'top level.txt',
]

/** Folder markers, as consoles make them: not files. */
export const markerKeys: readonly string[] = ['pictures/', 'empty folder/']

/** Things in the platform's own folder: never items. */
export const hiddenKeys: readonly string[] = ['.dataloop/thumbnails/0001.png', 'pictures/.dataloop/note.json']

/** Everything of the sample bucket: a few hundred small pictures in folders, odd-named files, folder markers, hidden files. */
export function makeSamples(): Sample[] {
  const samples: Omit<Sample, 'modifiedMs'>[] = []
  for (let i = 0; i < PICTURES; i++) {
    const [split, camera] = [i % 5 === 0 ? 'validation' : 'train', `cam-${(i % 4) + 1}`]
    const key = `pictures/${split}/${camera}/frame_${String(i).padStart(4, '0')}.png`
    samples.push({ key, bytes: makePicture(i), contentType: 'image/png' })
  }
  for (const key of oddKeys)
    samples.push({ key, bytes: Buffer.from(`This file is called\n${key}\n`), contentType: 'text/plain' })
  for (const key of markerKeys) samples.push({ key, bytes: Buffer.alloc(0), contentType: 'application/x-directory' })
  for (const key of hiddenKeys) samples.push({ key, bytes: Buffer.from('{}'), contentType: 'application/json' })
  return samples.map((sample, i) => ({ ...sample, modifiedMs: FIRST_MS + i * 60_000 }))
}

const SIDE = 64

/** A picture of 64 by 64 pixels, a two-coloured gradient of its own with a disc in it. */
export function makePicture(seed: number): Buffer {
  const rows = Buffer.alloc(SIDE * (1 + SIDE * 3))
  const [from, to] = [hue(seed * 47), hue(seed * 47 + 120 + (seed % 7) * 20)]
  const [cx, cy, radius] = [16 + ((seed * 13) % 32), 16 + ((seed * 29) % 32), 6 + (seed % 11)]
  for (let y = 0; y < SIDE; y++) {
    // The first byte of a row is its filter: none.
    let at = y * (1 + SIDE * 3) + 1
    for (let x = 0; x < SIDE; x++) {
      const isDisc = (x - cx) ** 2 + (y - cy) ** 2 < radius ** 2
      const mix = isDisc ? 1 : (x + y) / (2 * SIDE)
      for (let c = 0; c < 3; c++) rows[at++] = isDisc ? 255 - from[c]! : Math.round(from[c]! * (1 - mix) + to[c]! * mix)
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(SIDE, 0)
  header.writeUInt32BE(SIDE, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'ascii'), data])
  const frame = Buffer.alloc(body.length + 8)
  frame.writeUInt32BE(data.length, 0)
  body.copy(frame, 4)
  frame.writeUInt32BE(crc32(body), body.length + 4)
  return frame
}

/** A colour by its angle on the colour wheel. */
function hue(degrees: number): [number, number, number] {
  const part = (shift: number) => {
    const k = (shift + degrees / 60) % 6
    return Math.round(255 * (1 - Math.max(0, Math.min(k, 4 - k, 1)) * 0.7))
  }
  return [part(5), part(3), part(1)]
}
