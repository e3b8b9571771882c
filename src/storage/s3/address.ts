/** Where a bucket is reached, and how its keys are put into paths. */
export interface BucketAddress {
  /** `https://host[:port]`, without a path. */
  readonly origin: string
  /** The Host header: with the port where it is not the scheme's own. */
  readonly host: string
  /** Path of the bucket's root, encoded: `/` or `/bucket/`. */
  readonly rootPath: string
}

/** What decides a bucket's address. */
export interface AddressOptions {
  readonly bucket: string
  readonly region: string
  /** Scheme, host and port of an S3-compatible storage; left out for AWS. */
  readonly endpoint?: string | undefined
  /** Force the bucket into the path (true) or the host name (false). */
  readonly isPathStyle?: boolean | undefined
}

/** AWS's own address of S3 in a region. */
export function awsEndpoint(region: string): string {
  return `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

/**
 * Works out the address of a bucket, for `s3.ts`.
 *
 * AWS takes the bucket as host name where the name allows it (a dot would not fit the certificate), everything else gets path style,
 * which all S3-compatibles know. https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
 */
export function bucketAddress(options: AddressOptions): BucketAddress {
  const { bucket, region, endpoint } = options
  const base = new URL(endpoint ?? awsEndpoint(region))
  const fitsHostName = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)
  const isPathStyle = options.isPathStyle ?? (endpoint !== undefined || !fitsHostName)
  const host = isPathStyle ? base.host : `${bucket}.${base.host}`
  // An endpoint may have a path of its own, behind a gateway that takes it off again.
  const basePath = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`
  return {
    origin: `${base.protocol}//${host}`,
    host,
    rootPath: isPathStyle ? `${basePath}${encodeSegment(bucket)}/` : basePath,
  }
}

const plainPath = /^[A-Za-z0-9\-._~/]*$/

/** Percent-encodes a key for a path: everything but unreserved characters and `/`, byte by byte, and nothing twice. */
export function encodePath(key: string): string {
  if (plainPath.test(key)) return key
  return encodeSegment(key).replaceAll('%2F', '/')
}

/** Percent-encodes as signature version 4 wants it: everything but `A-Z a-z 0-9 - . _ ~`. Throws on a lone surrogate. */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** The same for bytes, which need not be UTF-8. */
export function encodeBytes(bytes: Buffer): string {
  let text = ''
  for (const byte of bytes) text += byteCodes[byte]
  return text
}

const byteCodes = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  return /[A-Za-z0-9\-._~]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})
