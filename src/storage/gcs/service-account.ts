import { createPrivateKey, type KeyObject } from 'node:crypto'
import { Secret } from '#lib/secret.ts'
import { StorageError } from '../storage-error.ts'

/** What of a service account's key file is used; everything else in the file is ignored. */
export interface ServiceAccount {
  readonly email: string
  /** PEM, as the file has it. */
  readonly privateKey: Secret
  readonly privateKeyId: string | undefined
}

/** Kinds of credential file that are refused, with the reason: what they say leads to other addresses, files or programs, or to a person. */
const refused: Readonly<Record<string, string>> = {
  external_account:
    'This is a configuration of workload identity federation, not a key; make an integration of that kind with it.',
  external_account_authorized_user:
    'This file logs a person in through another company’s log-in; give a service account’s key.',
  authorized_user: 'This file holds a person’s own log-in; give a service account’s key.',
  impersonated_service_account: 'This file acts through another log-in; give a service account’s own key.',
  gdch_service_account: 'This file is for Google’s distributed cloud; give a service account’s key of Google Cloud.',
}

/**
 * Reads a service account's key file by an allow-list (§4.2 of the safety design): `client_email`, `private_key`, `private_key_id`.
 *
 * Addresses in the file (`token_uri` and its like, `universe_domain`) are ignored: who wrote it must not choose where we log in. Answers a sentence instead
 * where the text is no such file; it never repeats any of it.
 */
export function parseServiceAccount(text: string): ServiceAccount | string {
  const file = objectOf(text)
  if (file === null) return 'It must be the text of the JSON file that Google Cloud gave for the service account.'
  const type = textOf(file, 'type')
  if (type !== undefined && Object.hasOwn(refused, type)) return refused[type]!
  if (type !== 'service_account') return 'Its “type” must be “service_account”.'
  const email = textOf(file, 'client_email')
  const privateKey = textOf(file, 'private_key')
  if (email === undefined || !isAccountEmail(email))
    return 'Its “client_email” must be the e-mail address of the account.'
  if (privateKey === undefined) return 'It lacks: private_key.'
  const privateKeyId = textOf(file, 'private_key_id')
  return { email, privateKey: new Secret(privateKey), privateKeyId: keyIdOf(privateKeyId) }
}

/** What of a configuration of workload identity federation is used. */
export interface FederationFile {
  /** The pool's provider, which the token is made out to. */
  readonly audience: string
  readonly subjectTokenType: string
  /** The service account to act as; undefined where the pool itself was given rights. */
  readonly email: string | undefined
}

// Source: https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
const audiencePattern =
  /^\/\/iam\.googleapis\.com\/projects\/\d{1,20}\/locations\/global\/workloadIdentityPools\/[a-z0-9-]{4,32}\/providers\/[a-z0-9-]{4,32}$/
const tokenTypes = ['urn:ietf:params:oauth:token-type:jwt', 'urn:ietf:params:oauth:token-type:id_token']
const impersonationPattern =
  /^https:\/\/iamcredentials\.googleapis\.com\/v1\/projects\/-\/serviceAccounts\/([^/:?#]+):generateAccessToken$/

/**
 * Reads a configuration of workload identity federation by an allow-list: the provider's name, the type of token, and which account to act as.
 *
 * Its addresses, and `credential_source`, which names a file, an address or a program, are never followed: the token that is exchanged is the operator's,
 * and the addresses are Google's. Answers a sentence instead where the text is no such file.
 */
export function parseFederation(text: string): FederationFile | string {
  const file = objectOf(text)
  if (file === null) return 'It must be the text of a JSON object.'
  if (textOf(file, 'type') !== 'external_account') return 'Its “type” must be “external_account”.'
  const audience = textOf(file, 'audience')
  if (audience === undefined || !audiencePattern.test(audience)) {
    return 'Its “audience” must name a provider of a workload identity pool: //iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER.'
  }
  const subjectTokenType = textOf(file, 'subject_token_type') ?? tokenTypes[0]!
  if (!tokenTypes.includes(subjectTokenType)) return 'Its “subject_token_type” must be that of a JWT or an ID token.'
  const address = textOf(file, 'service_account_impersonation_url')
  if (address === undefined) return { audience, subjectTokenType, email: undefined }
  const email = impersonationPattern.exec(address)?.[1]
  if (email === undefined || !isAccountEmail(email)) {
    return 'Its “service_account_impersonation_url” must be Google’s own address for a service account.'
  }
  return { audience, subjectTokenType, email }
}

/** Whether a text is an e-mail address that can stand in an address of Google's API as it is. */
export function isAccountEmail(text: string): boolean {
  return text.length <= 254 && /^[A-Za-z0-9][A-Za-z0-9._+-]*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(text)
}

/** The key as Node uses it; throws `StorageError('bad-credentials')` for a text that is no RSA key, without repeating any of it. */
export function openKey(account: ServiceAccount): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(account.privateKey.reveal())
  } catch {
    throw unreadable()
  }
  if (key.asymmetricKeyType !== 'rsa') throw unreadable()
  return key
}

function unreadable(): StorageError {
  const message = 'The private key of the service account cannot be read; make a new key and enter its file.'
  return new StorageError('bad-credentials', message, { provider: 'gcs', op: 'log-in' })
}

function objectOf(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    // The parser's own error quotes the text.
    return null
  }
}

function textOf(file: object, name: string): string | undefined {
  const value = Object.hasOwn(file, name) ? (file as Record<string, unknown>)[name] : undefined
  return typeof value === 'string' && value !== '' ? value : undefined
}

function keyIdOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[A-Za-z0-9_-]{1,128}$/.test(text) ? text : undefined
}
