import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { SealedSecret, SecretPlace, Vault } from './vault.ts'

/** Bytes of a key: AES-256. */
export const KEY_BYTES = 32
// 96-bit nonces are what GCM is specified for; every data key seals one document only, so a random nonce cannot repeat under one key.
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Why a sealed secret did not open; says where it stands and nothing of what it holds. */
export class VaultError extends Error {
  readonly reason: 'unknown-key' | 'not-authentic' | 'destroyed'

  constructor(reason: VaultError['reason'], place: SecretPlace, kekId: string) {
    const what = {
      'unknown-key': `was sealed with the key ${kekId}, which this server does not have`,
      'not-authentic': 'is not what was sealed for this place: it was moved or changed',
      destroyed: 'was destroyed when its successor was stored',
    }[reason]
    super(
      `the secret of integration ${place.integrationId}, version ${place.version}, in organization ${place.orgId} ${what}`,
    )
    this.name = 'VaultError'
    this.reason = reason
  }
}

/**
 * The built-in vault (D15): each secret has a data key of its own, which a key-encryption key wraps; both by AES-256-GCM.
 *
 * `keys[0]` seals; every one of them opens, so that a key can be replaced without a stop. Keys are 32 bytes and are zeroed here: the process keeps
 * them as key objects only, which neither logs nor reports show.
 * Organization, integration and version are authenticated with the ciphertext and with the wrapped key; a row copied elsewhere does not open.
 * Layout of both blobs: nonce (12), tag (16), ciphertext.
 */
export function createEnvelopeVault(keys: readonly Buffer[]): Vault {
  const ring = new Map(keys.map((key) => takeKey(key)))
  const [current] = ring
  if (current === undefined) throw new Error('a vault needs a key')
  const [currentId, currentKey] = current

  return {
    async seal(place, plaintext) {
      const dataKey = randomBytes(KEY_BYTES)
      try {
        return {
          kekId: currentId,
          wrappedKey: encrypt(currentKey, dataKey, aad('key', place, currentId)),
          sealed: encrypt(createSecretKey(dataKey), plaintext, aad('secret', place, currentId)),
        }
      } finally {
        dataKey.fill(0)
      }
    },

    async open(place, { kekId, wrappedKey, sealed }: SealedSecret) {
      if (wrappedKey.length === 0) throw new VaultError('destroyed', place, kekId)
      const kek = ring.get(kekId)
      if (kek === undefined) throw new VaultError('unknown-key', place, kekId)
      let dataKey: Buffer | null = null
      try {
        dataKey = decrypt(kek, wrappedKey, aad('key', place, kekId))
        return decrypt(createSecretKey(dataKey), sealed, aad('secret', place, kekId))
      } catch {
        // OpenSSL's own error adds nothing, so it is not kept as the cause.
        throw new VaultError('not-authentic', place, kekId)
      } finally {
        dataKey?.fill(0)
      }
    },
  }
}

/** The public name of a key: tells two keys apart and says nothing about either. */
function takeKey(key: Buffer): [string, KeyObject] {
  if (key.length !== KEY_BYTES) throw new Error(`a key-encryption key has ${KEY_BYTES} bytes, not ${key.length}`)
  const id = createHmac('sha256', key).update('sluice key id').digest('hex').slice(0, 16)
  const object = createSecretKey(key)
  key.fill(0)
  return [id, object]
}

/** What is authenticated beside the ciphertext. JSON, because a plain separator could also stand inside a part. */
function aad(role: 'key' | 'secret', { orgId, integrationId, version }: SecretPlace, kekId: string): Buffer {
  return Buffer.from(JSON.stringify(['sluice', 1, role, orgId, integrationId, version, kekId]), 'utf8')
}

function encrypt(key: KeyObject, plaintext: Buffer, authenticated: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(authenticated)
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body])
}

function decrypt(key: KeyObject, blob: Buffer, authenticated: Buffer): Buffer {
  const nonce = blob.subarray(0, NONCE_BYTES)
  const tag = blob.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(authenticated)
  decipher.setAuthTag(tag)
  const head = decipher.update(blob.subarray(NONCE_BYTES + TAG_BYTES))
  try {
    // GCM gives plaintext before the tag is checked; it must not outlive a failure.
    return Buffer.concat([head, decipher.final()])
  } finally {
    head.fill(0)
  }
}
