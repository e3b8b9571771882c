import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { toIso } from '#lib/clock.ts'
import { type AccountAddress, encodeText, pathOf } from './address.ts'

/** Service version that signatures and listings are made for; every field of theirs is written by hand. */
export const SIGNED_VERSION = '2022-11-02'

/** A key that Azure gave for signing in the name of who is logged in. */
export interface DelegationKey {
  readonly objectId: string
  readonly tenantId: string
  /** As signed: `2026-01-31T23:59:59Z`. */
  readonly startsOn: string
  readonly endsOn: string
  readonly service: string
  readonly version: string
  readonly key: KeyObject
}

/** What signs: the account's own key, or one that was given for a time. */
export type SasKey = { readonly accountKey: KeyObject } | { readonly delegation: DelegationKey }

/** One blob to be read by whoever has the address. */
export interface SasQuestion {
  readonly address: AccountAddress
  readonly container: string
  /** Must have passed `azureKey`. */
  readonly key: string
  /** Milliseconds since 1970, whole seconds. */
  readonly expiresAtMs: number
  readonly contentType?: string | undefined
  readonly contentDisposition?: string | undefined
}

/**
 * An address by which one blob may be read, and nothing else of its container (`sr=b sp=r`, §4.3 of the safety design), over https only unless the
 * endpoint itself has none.
 *
 * The official SDK makes the same, byte for byte in what is signed, at about a third of the speed.
 * https://learn.microsoft.com/rest/api/storageservices/create-service-sas and …/create-user-delegation-sas
 */
export function signedBlobUrl(question: SasQuestion, sasKey: SasKey): string {
  const { address, container, key } = question
  const expiry = sasTime(question.expiresAtMs)
  const protocol = address.isSecure ? 'https' : 'https,http'
  const resource = `/blob/${address.account}/${container}/${key}`
  const disposition = question.contentDisposition ?? ''
  const type = question.contentType ?? ''
  // Fields in the order Azure signs them; the empty ones between are start, identifier, IP addresses, snapshot, encryption scope and headers not set.
  const tail = `\n${protocol}\n${SIGNED_VERSION}\nb\n\n\n\n${disposition}\n\n\n${type}`
  let query = `sv=${SIGNED_VERSION}&spr=${encodeText(protocol)}&se=${encodeText(expiry)}`
  let text: string
  let signingKey: KeyObject
  if ('delegation' in sasKey) {
    const { objectId, tenantId, startsOn, endsOn, service, version } = sasKey.delegation
    signingKey = sasKey.delegation.key
    text = `r\n\n${expiry}\n${resource}\n${objectId}\n${tenantId}\n${startsOn}\n${endsOn}\n${service}\n${version}\n\n\n\n${tail}`
    query += `&skoid=${encodeText(objectId)}&sktid=${encodeText(tenantId)}&skt=${encodeText(startsOn)}`
    query += `&ske=${encodeText(endsOn)}&sks=${encodeText(service)}&skv=${encodeText(version)}`
  } else {
    signingKey = sasKey.accountKey
    text = `r\n\n${expiry}\n${resource}\n\n${tail}`
  }
  query += '&sr=b&sp=r'
  if (disposition !== '') query += `&rscd=${encodeText(disposition)}`
  if (type !== '') query += `&rsct=${encodeText(type)}`
  const signature = createHmac('sha256', signingKey).update(text, 'utf8').digest('base64')
  return `${address.origin}${pathOf(address, container, key)}?${query}&sig=${encodeText(signature)}`
}

/** A time as Azure signs it, in whole seconds. */
export function sasTime(ms: number): string {
  return `${toIso(ms).slice(0, 19)}Z`
}

/** Azure's keys are base64; kept as key objects, because `createHmac` with raw bytes costs many times as much. */
export function signingKeyOf(base64: string): KeyObject {
  return createSecretKey(Buffer.from(base64, 'base64'))
}
