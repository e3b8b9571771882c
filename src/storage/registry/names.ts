/**
 * Names of the OCI distribution API and how they become keys; for the files of this folder.
 *
 * Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests
 */

/** Path parts of a repository, joined by slashes. */
const repositoryName = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const tagName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/
const digestText = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

/** Longest repository that is taken; the specification advises 255 characters with the host. */
const REPOSITORY_CHARS_MAX = 255

/** Name of the item that is a tag's own manifest. */
export const MANIFEST = 'manifest.json'
/** What the names of further manifests, those of an index, end with. */
export const MANIFEST_ENDING = '.manifest.json'

/** Whether a text can be a repository's name. */
export function isRepository(text: string): boolean {
  return text.length <= REPOSITORY_CHARS_MAX && repositoryName.test(text)
}

/** Whether a text can be a tag. */
export function isTag(text: string): boolean {
  return tagName.test(text)
}

/** Whether a text is a digest that can be verified: sha256 or sha512, in lower-case hex. */
export function isDigest(text: unknown): text is string {
  return typeof text === 'string' && digestText.test(text)
}

/** The parts of a key: `<repository>/<tag>/<file>`, whose last two parts hold no slash. */
export interface Address {
  readonly repository: string
  readonly tag: string
  readonly file: string
}

/** Takes a key apart; null where no object of a registry can have it. */
export function addressOf(key: string): Address | null {
  const fileAt = key.lastIndexOf('/') + 1
  const tagAt = key.lastIndexOf('/', fileAt - 2) + 1
  if (fileAt < 1 || tagAt < 1) return null
  const address = { repository: key.slice(0, tagAt - 1), tag: key.slice(tagAt, fileAt - 1), file: key.slice(fileAt) }
  return isRepository(address.repository) && isTag(address.tag) && address.file !== '' ? address : null
}

/** Longest name that a title may give a file, in bytes; longer ones are called by their digest. */
const TITLE_BYTES_MAX = 255

/**
 * The file name that a title stands for, or null where it can be none: a title is whatever the artifact's maker wrote.
 *
 * `/` is written `%2F` and `%` as `%25`, because a file's name is one part of the key; names of ours are not given away.
 */
export function fileNameOf(title: unknown): string | null {
  if (typeof title !== 'string' || title === '' || !title.isWellFormed()) return null
  if (/[\u0000-\u001f\u007f\\]/.test(title) || title.endsWith('/')) return null
  const name = title.replaceAll('%', '%25').replaceAll('/', '%2F')
  if (name === '.' || name === '..' || Buffer.byteLength(name) > TITLE_BYTES_MAX) return null
  if (name === MANIFEST || name.endsWith(MANIFEST_ENDING) || /^sha(?:256|512)-/.test(name)) return null
  return name
}

/** The file name of what has no title: its digest, and an ending that tells programs what is inside. */
export function digestName(digest: string, mediaType: string): string {
  return `${digest.replace(':', '-')}${endingOf(mediaType)}`
}

function endingOf(mediaType: string): string {
  if (/[.+/]json$/.test(mediaType)) return '.json'
  if (/tar[.+]gzip$/.test(mediaType)) return '.tar.gz'
  if (/tar[.+]zstd$/.test(mediaType)) return '.tar.zst'
  return /[./]tar$/.test(mediaType) ? '.tar' : ''
}

/** A platform as the part of a file's name, such as `linux-arm64-v8`; null where it tells nothing that fits. */
export function platformName(platform: unknown): string | null {
  if (typeof platform !== 'object' || platform === null) return null
  const { os, architecture, variant } = platform as Record<string, unknown>
  const parts = [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])]
  if (!parts.every((part) => typeof part === 'string' && /^[A-Za-z0-9._]{1,40}$/.test(part))) return null
  return parts.includes('unknown') ? null : parts.join('-')
}
