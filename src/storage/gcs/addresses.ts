/** Addresses of Google's APIs, each without a slash at its end. */
export interface GoogleAddresses {
  /** Where objects are: the JSON API, uploads, and signed addresses. */
  readonly storage: string
  /** Where an assertion becomes a token; null where the storage takes assertions themselves. */
  readonly token: string | null
  readonly sts: string
  readonly iam: string
  /** Whether these are Google's own, or the operator's stand-in for them: then tokens that other services take, too, may be sent there. */
  readonly isTrusted: boolean
}

const own: GoogleAddresses = {
  storage: 'https://storage.googleapis.com',
  token: 'https://oauth2.googleapis.com/token',
  sts: 'https://sts.googleapis.com/v1/token',
  iam: 'https://iamcredentials.googleapis.com/v1',
  isTrusted: true,
}

/**
 * Works out where to turn to; nothing of a credential's document has a say in it (§4.2 of the safety design).
 *
 * `endpoint` is what a driver's payload says, `http(s)://host:port`. One of Google's own storage hosts (regional ones, private access) counts as Google. To
 * any other only assertions are sent that are made out to it and good for nothing else: a token would be good for everything the account may do, at Google.
 * `standIn` is the operator's own setting and replaces all of Google's hosts.
 */
export function googleAddresses(endpoint: string | undefined, standIn: string | undefined): GoogleAddresses {
  const google: GoogleAddresses =
    standIn === undefined
      ? own
      : {
          storage: standIn,
          token: `${standIn}/token`,
          sts: `${standIn}/v1/token`,
          iam: `${standIn}/v1`,
          isTrusted: true,
        }
  if (endpoint === undefined || endpoint === google.storage) return google
  return isGoogleStorage(new URL(endpoint))
    ? { ...google, storage: endpoint }
    : { ...google, storage: endpoint, token: null, isTrusted: false }
}

/** Whether an address is one of Cloud Storage's own. https://cloud.google.com/storage/docs/regional-endpoints */
export function isGoogleStorage(url: URL): boolean {
  return (
    url.protocol === 'https:' &&
    url.port === '' &&
    /^(?:storage|storage\.[a-z0-9-]+\.rep|storage-[a-z0-9]+\.p)\.googleapis\.com$/.test(url.hostname)
  )
}

/** Percent-encodes everything but `A-Z a-z 0-9 - . _ ~`, as parts of Google's paths and signed queries want it. Throws on a lone surrogate. */
export function encodePart(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

const plainPath = /^[A-Za-z0-9\-._~/]*$/

/** The same for a key of a signed address, whose slashes stay. */
export function encodePath(key: string): string {
  return plainPath.test(key) ? key : encodePart(key).replaceAll('%2F', '/')
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
