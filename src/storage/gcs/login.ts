import type { KeyObject } from 'node:crypto'
import type { Secret } from '#lib/secret.ts'
import { StorageError } from '../storage-error.ts'
import { notGoogle } from './call.ts'
import { openKey, type ServiceAccount } from './service-account.ts'
import {
  type ActedAccount,
  accountUrl,
  delegatesOf,
  type Federation,
  type MintParts,
  mintByFederation,
  mintByImpersonation,
  mintByKey,
  postJson,
  TokenSource,
} from './tokens.ts'
import { hmacIdentity, rsaIdentity, type SigningIdentity } from './v4.ts'

/** Who logs in to Google. */
export type GcsLogin =
  /** A service account by its key; addresses are signed by an HMAC key where there is one, which is quicker. */
  | {
      readonly kind: 'key'
      readonly account: ServiceAccount
      readonly hmac?: { readonly id: string; readonly secret: Secret } | undefined
    }
  /** The operator's own account, acting as another one that lets it; `via`: one in between, which lets the former and is let by the latter. */
  | {
      readonly kind: 'impersonation'
      readonly principal: ServiceAccount
      readonly via?: string | undefined
      readonly email: string
    }
  /** The operator's token of another company's log-in; `email`: the account to act as. */
  | ({ readonly kind: 'federation'; readonly email: string | undefined } & Federation)

/** What a log-in gives a storage. */
export interface OpenedLogin {
  readonly tokens: TokenSource
  /** Null where nothing can be signed. */
  readonly identity: SigningIdentity | null
  /** Signed by Google, and not by a key at hand. */
  readonly isKeyless: boolean
}

/** Makes a log-in ready; connects to nothing yet. Throws `unsupported` for one whose tokens must not be sent to the address. */
export function openLogin(login: GcsLogin, parts: MintParts): OpenedLogin {
  if (login.kind === 'key') {
    const { account, hmac } = login
    let key: KeyObject | undefined
    const identity =
      hmac === undefined
        ? rsaIdentity(account.email, () => {
            key ??= openKey(account)
            return key
          })
        : hmacIdentity(hmac.id, hmac.secret)
    return { tokens: new TokenSource(mintByKey(parts, account, 'storage')), identity, isKeyless: false }
  }
  if (!parts.addresses.isTrusted) {
    const message = 'With an endpoint of its own only a service account’s key can be used.'
    throw new StorageError('unsupported', message, { provider: 'gcs', op: 'log-in' })
  }
  if (login.kind === 'impersonation') {
    const by = new TokenSource(mintByKey(parts, login.principal, 'iam'))
    return actingAs({ email: login.email, via: login.via }, by, parts)
  }
  const { email } = login
  if (email !== undefined) return actingAs({ email }, new TokenSource(mintByFederation(parts, login, 'cloud')), parts)
  return { tokens: new TokenSource(mintByFederation(parts, login, 'storage')), identity: null, isKeyless: true }
}

function actingAs(account: ActedAccount, by: TokenSource, parts: MintParts): OpenedLogin {
  return {
    tokens: new TokenSource(mintByImpersonation(parts, by, account)),
    identity: blobIdentity(account, by, parts),
    isKeyless: true,
  }
}

/** Signs by asking Google to. https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signBlob */
function blobIdentity(account: ActedAccount, by: TokenSource, { caller, addresses }: MintParts): SigningIdentity {
  const where = { op: 'sign' }
  return {
    algorithm: 'GOOG4-RSA-SHA256',
    id: account.email,
    sign: async (text) => {
      const body = JSON.stringify({ payload: Buffer.from(text).toString('base64'), ...delegatesOf(account) })
      const bearer = await by.get(where)
      const { signedBlob } = await caller.json({
        ...postJson(accountUrl(addresses, account.email, 'signBlob'), body, bearer),
        where,
      })
      if (typeof signedBlob !== 'string') throw notGoogle(where)
      return Buffer.from(signedBlob, 'base64').toString('hex')
    },
  }
}
