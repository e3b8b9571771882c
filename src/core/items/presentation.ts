import { UNKNOWN_TYPE } from './media-types.ts'

/** Picture formats without scripts. SVG is not among them: it can hold scripts, so it is only offered for download. */
const rasterImages = new Set(
  [
    'apng',
    'avif',
    'bmp',
    'gif',
    'heic',
    'heif',
    'jpeg',
    'jpg',
    'jxl',
    'png',
    'tiff',
    'vnd.microsoft.icon',
    'webp',
    'x-icon',
  ].map((name) => `image/${name}`),
)

/** What a browser is told about a file. */
export interface Presentation {
  readonly contentType: string
  /** Value of `content-disposition`. */
  readonly disposition: string
}

/**
 * Decides how a browser may treat a file: shown in place only for raster pictures, sound, video, plain text and PDF; everything else is a download, so
 * that HTML or SVG from a bucket never runs anywhere. The type comes from the name's extension, the name from the key. `isDownload`: somebody
 * asked for a download whatever the file is.
 */
export function presentationOf(mimetype: string, name: string, isDownload = false): Presentation {
  const type = /^[\w.+-]+\/[\w.+-]+$/.test(mimetype) ? mimetype.toLowerCase() : UNKNOWN_TYPE
  const isShown =
    rasterImages.has(type) || /^(audio|video)\//.test(type) || type === 'text/plain' || type === 'application/pdf'
  return {
    contentType: type === 'text/plain' ? 'text/plain; charset=utf-8' : type,
    disposition: `${isShown && !isDownload ? 'inline' : 'attachment'}; ${filenameParameters(name)}`,
  }
}

/** The name in both forms of RFC 6266: a plain one for old programs, and the exact one in UTF-8. */
function filenameParameters(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%/]/gu, '_')
  if (plain === name && name !== '') return `filename="${name}"`
  const exact = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `filename="${plain || 'file'}"; filename*=UTF-8''${exact || 'file'}`
}
