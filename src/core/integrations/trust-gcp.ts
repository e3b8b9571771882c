import { readFile } from 'node:fs/promises'
import type { Config } from '#config/config.ts'
import type { Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { Secret } from '#lib/secret.ts'
import { storageErrorCode } from '#storage/error-codes.ts'
import { tryImpersonation } from '#storage/gcs/impersonation.ts'
import type { GcsLogin } from '#storage/gcs/login.ts'
import { isAccountEmail, parseFederation, parseServiceAccount } from '#storage/gcs/service-account.ts'
import { StorageError } from '#storage/storage-error.ts'
import type { Credentials } from './credentials.ts'
import { isClaimedElsewhere } from './queries-gcp.ts'
import type { Proof } from './trust.ts'

/** The operator's principal, and the customer's account that is to let it act for it. */
export interface GcpProofSubject {
  readonly orgId: string
  readonly email: string
}

const NO_LOGIN =
  'This server has no Google identity of its own to try it with: the operator has to set SLUICE_GCP_PRINCIPAL_EMAIL and SLUICE_GCP_PRINCIPAL_KEY.'
const CLAIMED =
  'Another organization of this server uses this service account. Make one for this organization alone: whoever may use the account reaches all that it reaches.'

/**
 * Proves that a customer's service account lets this server act for it, by really asking for a token as it (IN-14). The token is thrown away.
 *
 * Google has nothing like AWS's external id: the account trusts this server, not one organization of it. So the operator may have a principal for each
 * organization; where there is one for all, an account that another organization has proven first is not taken (§4.2 of the safety design).
 */
export async function proveGcpTrust(deps: Deps, { orgId, email }: GcpProofSubject): Promise<Proof> {
  const login = crossProjectLogin(deps.config, orgId, email)
  if (login === null) return { ok: false, code: 'integration.not_trusted', reason: NO_LOGIN }
  // An account that trusts one organization's principal trusts no other's.
  if (login.via === undefined && (await isClaimedElsewhere(deps.db, orgId, email)))
    return { ok: false, code: 'integration.not_trusted', reason: CLAIMED }
  try {
    await tryImpersonation(login, { standIn: deps.config.gcpIdentity.endpoint ?? undefined, egress: deps.egress })
    return { ok: true }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    const isOurs = error.kind === 'bad-credentials'
    const reason = isOurs
      ? 'Google does not accept this server’s own identity; the operator has to look after it.'
      : error.kind === 'role-denied'
        ? error.message
        : `It could not be tried. ${error.message}`
    return { ok: false, code: storageErrorCode(error), reason }
  }
}

type ImpersonationLogin = Extract<GcsLogin, { kind: 'impersonation' }>

/** How this server acts as another project's account; null where the operator gave it no identity of its own. */
function crossProjectLogin(config: Config, orgId: string, email: string): ImpersonationLogin | null {
  const { gcpIdentity } = config
  const principal = gcpIdentity.keyFile === null ? null : parseServiceAccount(gcpIdentity.keyFile.reveal())
  if (principal === null || typeof principal === 'string' || !isAccountEmail(email)) return null
  const via = gcpPrincipal(config, orgId)
  return { kind: 'impersonation', principal, ...(via !== null && via !== principal.email && { via }), email }
}

/** Whom an organization's accounts of Google Cloud have to trust; null where the operator has set nobody. */
export function gcpPrincipal({ gcpPrincipalEmail }: Config, orgId: string): string | null {
  return gcpPrincipalEmail?.replaceAll('{org}', orgId) ?? null
}

/** Whose credentials a login is made of. */
export interface GcpLoginSource {
  readonly type: string
  readonly orgId: string
  readonly credentials: Credentials | null
}

/**
 * How a storage driver logs in with an integration of one of Google's kinds; nothing of this machine's own log-in is ever used.
 *
 * Throws `integration.invalid` for a credential document that is refused, and `integration.not_supported` where the operator has not set up what it needs.
 */
export function gcpLogin(config: Config, { type, orgId, credentials }: GcpLoginSource): GcsLogin {
  const given = (name: string) => credentials?.get(name)?.reveal() ?? ''
  if (type === 'gcp-cross') {
    const login = crossProjectLogin(config, orgId, given('email'))
    if (login === null) throw new AppError('integration.not_supported', { message: NO_LOGIN })
    return login
  }
  if (type === 'gcs') {
    const account = parseServiceAccount(given('content'))
    if (typeof account === 'string') throw refusedDocument(account)
    const secret = credentials?.get('secret')
    const id = given('key')
    // Some callers send empty or other texts where there is no HMAC key.
    const isHmac = /^GOOG[0-9A-Z]{8,120}$/.test(id) && secret !== undefined && secret.reveal() !== ''
    return { kind: 'key', account, hmac: isHmac ? { id, secret } : undefined }
  }
  const file = parseFederation(given('content'))
  if (typeof file === 'string') throw refusedDocument(file)
  const path = config.gcpIdentity.subjectTokenFile?.replaceAll('{org}', orgId)
  if (path === undefined) {
    const message =
      'This server has no token to exchange: the operator has to set SLUICE_GCP_SUBJECT_TOKEN_FILE for workload identity federation.'
    throw new AppError('integration.not_supported', { message })
  }
  return { kind: 'federation', ...file, subjectToken: () => readSubjectToken(path) }
}

function refusedDocument(sentence: string): AppError {
  return new AppError('integration.invalid', {
    message: `The credentials cannot be used. ${sentence}`,
    details: [{ path: 'options.content', message: sentence }],
  })
}

async function readSubjectToken(path: string): Promise<Secret> {
  try {
    return new Secret((await readFile(path, 'utf8')).trim())
  } catch {
    const message =
      'This server has no token for this organization’s federation; the operator has to put it where SLUICE_GCP_SUBJECT_TOKEN_FILE says.'
    throw new StorageError('bad-credentials', message, { provider: 'gcs', op: 'log-in' })
  }
}
