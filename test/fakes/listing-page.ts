/** An entry to write into a page. */
export interface PageEntry {
  readonly key: string
  readonly sizeBytes?: number
  readonly etag?: string
  readonly modified?: string
  readonly storageClass?: string
}

/** A ListObjectsV2 answer to write. */
export interface PageSketch {
  readonly bucket?: string
  readonly prefix?: string
  readonly entries: readonly PageEntry[]
  readonly prefixes?: readonly string[]
  readonly token?: string
  /** Percent-encode keys and say so; true unless said. */
  readonly isUrlEncoded?: boolean
  /** Give the keys' characters as numbers (`&#x1F600;`) where they are not plain, instead of percent-encoding them. */
  readonly hasNumericEntities?: boolean
  /** Also the elements that AWS, MinIO and Ceph add to entries. */
  readonly hasExtras?: boolean
  /** Order of an entry's elements, and whether what is said about the page follows the entries. */
  readonly order?: readonly number[]
  readonly isHeadLast?: boolean
}

/** Writes a page as S3 and its kin do; for tests of whoever reads one. */
export function renderPage(sketch: PageSketch): string {
  const { bucket = 'bucket', prefix = '', entries, prefixes = [], token, isUrlEncoded = true } = sketch
  const text = (value: string) =>
    isUrlEncoded ? urlEncoded(value) : escaped(value, sketch.hasNumericEntities === true)
  const head =
    `<Name>${escaped(bucket)}</Name>` +
    (prefix === '' ? '<Prefix/>' : `<Prefix>${text(prefix)}</Prefix>`) +
    (isUrlEncoded ? '<EncodingType>url</EncodingType>' : '') +
    `<KeyCount>${entries.length + prefixes.length}</KeyCount><MaxKeys>1000</MaxKeys>` +
    `<IsTruncated>${token !== undefined}</IsTruncated>` +
    (token === undefined ? '' : `<NextContinuationToken>${escaped(token)}</NextContinuationToken>`)
  const contents = entries.map((entry) => `<Contents>${renderEntry(entry, sketch, text)}</Contents>`).join('')
  const folded = prefixes.map((one) => `<CommonPrefixes><Prefix>${text(one)}</Prefix></CommonPrefixes>`).join('')
  const body = sketch.isHeadLast === true ? contents + folded + head : head + contents + folded
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${body}</ListBucketResult>`
  )
}

function renderEntry(entry: PageEntry, sketch: PageSketch, text: (value: string) => string): string {
  const {
    key,
    sizeBytes = 1,
    etag = '"0123456789abcdef0123456789abcdef"',
    modified = '2024-02-29T23:59:59.123Z',
  } = entry
  const elements = [
    `<Key>${text(key)}</Key>`,
    `<LastModified>${modified}</LastModified>`,
    `<ETag>${escaped(etag)}</ETag>`,
    `<Size>${sizeBytes}</Size>`,
    `<StorageClass>${entry.storageClass ?? 'STANDARD'}</StorageClass>`,
  ]
  if (sketch.hasExtras === true) {
    elements.push(
      '<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>',
      '<Owner xsi:type="CanonicalUser" xmlns:xsi="x"><ID>4&amp;2</ID><DisplayName>Key &gt; Size</DisplayName></Owner>',
      '<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress><Key>inner</Key></RestoreStatus>\n',
      '<UserMetadata><Items/></UserMetadata>',
    )
  }
  return (sketch.order ?? elements.map((_, i) => i))
    .map((i) => elements[i] ?? '')
    .concat(elements.filter((_, i) => sketch.order !== undefined && !sketch.order.includes(i)))
    .join('')
}

function urlEncoded(value: string): string {
  return encodeURIComponent(value)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', '/')
    .replaceAll('%20', '+')
}

function escaped(value: string, isNumeric = false): string {
  if (isNumeric) return value.replace(/[^\w./-]/gu, (c) => `&#x${c.codePointAt(0)!.toString(16)};`)
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;')
    .replaceAll('\r', '&#13;')
}
