import type { Readable } from 'node:stream'
import { AppError } from '#lib/app-error.ts'
import { pictureLibrary, pictureLimits } from '#lib/pictures.ts'

/** Longest side of a thumbnail in pixels. */
export const THUMBNAIL_SIDE = 256
/** Greatest height of a thumbnail whose width was asked for, in pixels. */
const HEIGHT_MAX = 4_096
/** Longest time one picture may take; the decoder is stopped then. */
const SECONDS_MAX = 20
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

/**
 * Makes a picture small, the right way up: JPEG, or PNG where it has transparent parts. Throws `thumbnail.not_available` for what is no picture, is damaged,
 * too large, or takes too long. `width` in pixels; without it the longest side is `THUMBNAIL_SIDE`.
 */
export async function makeThumbnail(file: Buffer, width: number | null = null): Promise<Thumbnail> {
  const sharp = await pictureLibrary()
  try {
    const seen = await sharp(file, pictureLimits).metadata()
    const small = sharp(file, pictureLimits)
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
