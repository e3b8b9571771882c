import { createHmac, createSecretKey, hash, type KeyObject, sign } from 'node:crypto'
import { toIso } from '#lib/clock.ts'
import type { Secret } from '#lib/secret.ts'
import { encodePart, encodePath } from './addresses.ts'

/** Who signs, and how. */
export interface SigningIdentity {
  readonly algorithm: 'GOOG4-RSA-SHA256' | 'GOOG4-HMAC-SHA256'
  /** E-mail address of the account, or the id of the HMAC key. */
  readonly id: string
  /** Signs a text; hexadecimal. `day` is `YYYYMMDD`. */
  sign(text: string, day: string): string | Promise<string>
}

/** One address to sign for somebody else to use. */
export interface Presign {
  readonly method: 'GET' | 'PUT'
  /** `https://host[:port]`, without a path. */
  readonly origin: string
  readonly bucket: string
  /** Must have passed `addressableKey`. */
  readonly key: string
  readonly ttlSeconds: number
  readonly nowMs: number
  /** Further query parameters, plain; signed with the rest. */
  readonly query?: Readonly<Record<string, string>> | undefined
  /** The Content-Type header the request must then carry. */
  readonly contentType?: string | undefined
}

/**
 * Makes a signed address by hand, signature version 4 of Cloud Storage; for `gcs.ts`. A promise only where the signature has to be asked for.
 *
 * https://cloud.google.com/storage/docs/authentication/canonical-requests, https://cloud.google.com/storage/docs/access-control/signing-urls-manually
 */
export function presign(identity: SigningIdentity, request: Presign): string | Promise<string> {
  const { method, origin, contentType, query = {} } = request
  const time = `${toIso(Math.floor(request.nowMs / 1000) * 1000)
    .slice(0, 19)
    .replaceAll(/[-:]/g, '')}Z`
  const day = time.slice(0, 8)
  const scope = `${day}/auto/storage/goog4_request`
  const names = contentType === undefined ? 'host' : 'content-type;host'
  // The order of bytes puts `X-Goog-` before every parameter of our own.
  let text =
    `X-Goog-Algorithm=${identity.algorithm}&X-Goog-Credential=${encodePart(`${identity.id}/${scope}`)}` +
    `&X-Goog-Date=${time}&X-Goog-Expires=${request.ttlSeconds}&X-Goog-SignedHeaders=${encodePart(names)}`
  for (const name of Object.keys(query).sort()) text += `&${encodePart(name)}=${encodePart(query[name]!)}`
  const path = `/${request.bucket}/${encodePath(request.key)}`
  const host = origin.slice(origin.indexOf('://') + 3)
  const lines = `${contentType === undefined ? '' : `content-type:${contentType.trim()}\n`}host:${host}\n`
  const canonical = `${method}\n${path}\n${text}\n${lines}\n${names}\nUNSIGNED-PAYLOAD`
  const signed = identity.sign(`${identity.algorithm}\n${time}\n${scope}\n${hash('sha256', canonical, 'hex')}`, day)
  const address = (signature: string) => `${origin}${path}?${text}&X-Goog-Signature=${signature}`
  return typeof signed === 'string' ? address(signed) : signed.then(address)
}

/** Signs with a service account's own key. */
export function rsaIdentity(email: string, key: () => KeyObject): SigningIdentity {
  return {
    algorithm: 'GOOG4-RSA-SHA256',
    id: email,
    sign: (text) => sign('sha256', Buffer.from(text), key()).toString('hex'),
  }
}

/**
 * Signs with an HMAC key, which costs a hundredth of RSA. https://cloud.google.com/storage/docs/authentication/hmackeys
 *
 * The day's key is derived once and kept as a `KeyObject`; raw bytes would cost eight times as much on Node 24.
 */
export function hmacIdentity(id: string, secret: Secret): SigningIdentity {
  let held: { readonly day: string; readonly key: KeyObject } | undefined
  return {
    algorithm: 'GOOG4-HMAC-SHA256',
    id,
    sign: (text, day) => {
      if (held?.day !== day) {
        const steps = [day, 'auto', 'storage', 'goog4_request']
        let bytes: string | Buffer = `GOOG4${secret.reveal()}`
        for (const step of steps) bytes = createHmac('sha256', bytes).update(step).digest()
        held = { day, key: createSecretKey(bytes as Buffer) }
      }
      return createHmac('sha256', held.key).update(text).digest('hex')
    },
  }
}
