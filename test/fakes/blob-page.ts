/** One blob, directory or folded folder of a listing as `blobPage` writes it. */
export interface PageBlob {
  readonly name: string
  readonly sizeBytes?: number
  readonly modifiedMs?: number
  readonly etag?: string
  readonly tier?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** As hierarchical accounts tell directories. */
  readonly isDirectory?: boolean
  /** Further elements of the entry, as they are. */
  readonly extra?: string
  /** Written with `Encoded="true"`, as names are that XML cannot carry. */
  readonly isEncoded?: boolean
}

/** What a List Blobs answer is made of. */
export interface BlobPage {
  readonly container: string
  readonly prefix?: string
  readonly delimiter?: string
  readonly blobs: readonly PageBlob[]
  readonly prefixes?: readonly string[]
  readonly next?: string
}

/** Writes a List Blobs answer as https://learn.microsoft.com/rest/api/storageservices/list-blobs describes it, with all that the service says of a blob. */
export function blobPage({ container, prefix = '', delimiter, blobs, prefixes = [], next = '' }: BlobPage): string {
  const folded = prefixes.map((name) => `<BlobPrefix><Name>${escaped(name)}</Name></BlobPrefix>`).join('')
  return (
    `\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://account.blob.core.windows.net/" ContainerName="${container}">` +
    (prefix === '' ? '' : `<Prefix>${escaped(prefix)}</Prefix>`) +
    (delimiter === undefined ? '' : `<Delimiter>${escaped(delimiter)}</Delimiter>`) +
    `<MaxResults>5000</MaxResults><Blobs>${blobs.map(entry).join('')}${folded}</Blobs>` +
    `${next === '' ? '<NextMarker />' : `<NextMarker>${escaped(next)}</NextMarker>`}</EnumerationResults>`
  )
}

function entry(blob: PageBlob): string {
  const { sizeBytes = 0, modifiedMs = 1_700_000_000_000, etag = '0x8DBE5A1C2B3D4E5', tier = 'Hot' } = blob
  const metadata = Object.entries(blob.metadata ?? {})
    .map(([name, value]) => `<${name}>${escaped(value)}</${name}>`)
    .join('')
  const name = blob.isEncoded
    ? `<Name Encoded="true">${encodeURIComponent(blob.name)}</Name>`
    : `<Name>${escaped(blob.name)}</Name>`
  const date = new Date(modifiedMs).toUTCString()
  return (
    `<Blob>${name}${blob.extra ?? ''}<Properties><Creation-Time>${date}</Creation-Time><Last-Modified>${date}</Last-Modified>` +
    `<Etag>${escaped(etag)}</Etag>` +
    (blob.isDirectory ? '<ResourceType>directory</ResourceType>' : '<ResourceType>file</ResourceType>') +
    `<Content-Length>${sizeBytes}</Content-Length><Content-Type>application/octet-stream</Content-Type><Content-Encoding />` +
    `<Content-Language /><Content-CRC64 /><Content-MD5>1B2M2Y8AsgTpgAmY7PhCfg==</Content-MD5><Cache-Control /><Content-Disposition />` +
    `<BlobType>BlockBlob</BlobType><AccessTier>${tier}</AccessTier><AccessTierInferred>true</AccessTierInferred>` +
    `<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties>` +
    `${metadata === '' ? '<Metadata />' : `<Metadata>${metadata}</Metadata>`}<OrMetadata /></Blob>`
  )
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
}
