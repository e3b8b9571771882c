/** Largest picture that is opened, in bytes; the whole of it may be in memory meanwhile. */
export const PICTURE_BYTES_MAX = 64 * 1024 * 1024
/** Most pixels of a picture, of all its colours together 400 MB when it is unpacked: a small file may say that it is huge. */
const PIXELS_MAX = 100_000_000
/** What is read, by what the bytes themselves say; no format that is a program or names other files (SVG, PDF) is among them. */
const loaders = ['Jpeg', 'Png', 'Webp', 'Tiff', 'Nsgif', 'Heif'].flatMap((format) => [
  `VipsForeignLoad${format}Buffer`,
  `VipsForeignLoad${format}File`,
])

/** Options of every picture of a stranger that is opened. */
export const pictureLimits = { limitInputPixels: PIXELS_MAX, sequentialRead: true, pages: 1, failOn: 'error' } as const

type Sharp = typeof import('sharp')['default']
let loaded: Promise<Sharp> | null = null

/** The library for pictures, when it is first needed: most processes open none. One thread a picture, so that two pictures take two cores at the most. */
export function pictureLibrary(): Promise<Sharp> {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    sharp.concurrency(1)
    sharp.cache(false)
    sharp.block({ operation: ['VipsForeignLoad'] })
    sharp.unblock({ operation: loaders })
    return sharp
  })
  return loaded
}

/** What the head of a picture tells. */
export interface PictureHead {
  /** Pixels as they are stored, before any turning. */
  readonly width: number
  readonly height: number
  /** How it is to be turned, 1 to 8 as EXIF counts; absent where it does not say. */
  readonly orientation?: number | undefined
}

/** Reads the head of a picture, in memory or a file by its path; null for what is no picture that is opened here. Nothing is unpacked. */
export async function readPictureHead(picture: Buffer | string): Promise<PictureHead | null> {
  const sharp = await pictureLibrary()
  try {
    const { width, height, orientation } = await sharp(picture, pictureLimits).metadata()
    return { width, height, orientation }
  } catch {
    // Whatever it says: it is no picture to us, which is an answer and no failure.
    return null
  }
}

/** What is kept of a picture's head in `metadata.system` of its item. */
export function describePicture({ width, height, orientation }: PictureHead) {
  return { width, height, ...(orientation !== undefined && { exif: { Orientation: orientation } }) }
}
