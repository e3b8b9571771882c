import type { Readable } from 'node:stream'
import { AppError } from '#lib/app-error.ts'

/** Longest side of a thumbnail in pixels. */
export const THUMBNAIL_SIDE = 256
/** Greatest height of a thumbnail whose width was asked for, in pixels. */
const HEIGHT_MAX = 4_096
/** Largest file that is opened, in bytes; the whole of it is in memory meanwhile. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024
/** Most pixels of a picture, of all its colours together 400 MB when it is unpacked: a small file may say that it is huge. */
const PIXELS_MAX = 100_000_000
/** Longest time one picture may take; the decoder is stopped then. */
const SECONDS_MAX = 20
/** What is read, by what the bytes themselves say; no format that is a program or names other files (SVG, PDF) is among them. */
const loaders = ['Jpeg', 'Png', 'Webp', 'Tiff', 'Nsgif', 'Heif'].map((format) => `VipsForeignLoad${format}Buffer`)

/** A picture made small, and what was seen of the large one. */
export interface Thumbnail {
  readonly bytes: Buffer
  readonly contentType: 'image/jpeg' | 'image/png'
  /** Pixels of the original as they are stored, before any turning. */
  readonly width: number
  readonly height: number
  /** How the original is to be turned, 1 to 8 as EXIF counts; absent where it does not say. */
  readonly orientation?: number | undefined
}

type Sharp = typeof import('sharp')['default']
let loaded: Promise<Sharp> | null = null

/** The library, when it is first needed: most processes make no thumbnail. One thread a picture, so that two pictures take two cores at the most. */
function library(): Promise<Sharp> {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    sharp.concurrency(1)
    sharp.cache(false)
    sharp.block({ operation: ['VipsForeignLoad'] })
    sharp.unblock({ operation: loaders })
    return sharp
  })
  return loaded
}

/**
 * Makes a picture small, the right way up: JPEG, or PNG where it has transparent parts. Throws `thumbnail.not_available` for what is no picture, is damaged,
 * too large, or takes too long. `width` in pixels; without it the longest side is `THUMBNAIL_SIDE`.
 */
export async function makeThumbnail(file: Buffer, width: number | null = null): Promise<Thumbnail> {
  const sharp = await library()
  const options = { limitInputPixels: PIXELS_MAX, sequentialRead: true, pages: 1, failOn: 'error' as const }
  try {
    const seen = await sharp(file, options).metadata()
    const small = sharp(file, options)
      .timeout({ seconds: SECONDS_MAX })
      .autoOrient()
      .resize(width ?? THUMBNAIL_SIDE, width === null ? THUMBNAIL_SIDE : HEIGHT_MAX, {
        fit: 'inside',
        withoutEnlargement: true,
      })
    const png = seen.hasAlpha ? await small.png().toBuffer() : null
    // Many formats have room for transparency that the picture does not use.
    const isClear = png !== null && !(await sharp(png).stats()).isOpaque
    const bytes = isClear ? png : await (png === null ? small : sharp(png)).jpeg({ quality: 80 }).toBuffer()
    return {
      bytes,
      contentType: isClear ? 'image/png' : 'image/jpeg',
      width: seen.width,
      height: seen.height,
      orientation: seen.orientation,
    }
  } catch (cause) {
    throw new AppError('thumbnail.not_available', { cause })
  }
}

/** Collects a stream of a known length; throws `thumbnail.not_available` when more comes than that. */
export async function collect(body: Readable, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bytesMax) throw new AppError('thumbnail.not_available')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
