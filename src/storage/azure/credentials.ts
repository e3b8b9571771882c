import type { Secret } from '#lib/secret.ts'

/** Who Azure is told we are; always explicit, never what the machine happens to be. */
export type AzureCredentials =
  | { readonly kind: 'account-key'; readonly accountKey: Secret }
  /** Query of a shared access signature, without `?`; only its own fields, see `sasQuery`. */
  | { readonly kind: 'sas'; readonly sas: Secret }
  | { readonly kind: 'token'; readonly login: AzureLogin }

/** How a token is got from Entra. The addresses are the operator's, never a tenant's. */
export type AzureLogin =
  | ({ readonly by: 'client-secret'; readonly clientSecret: Secret } & EntraApplication)
  /** By a token that this server's own platform keeps in a file (workload identity). */
  | ({ readonly by: 'federated'; readonly tokenFile: string } & EntraApplication)
  /** By the identity of the machine this server runs on; `clientId` names one of several. */
  | { readonly by: 'managed-identity'; readonly clientId?: string | undefined; readonly endpoint: string }

/** An application in a directory, and where the directory's tokens are had. */
export interface EntraApplication {
  readonly tenantId: string
  readonly clientId: string
  /** `https://login.microsoftonline.com` or that of another cloud. */
  readonly authority: string
}

// Source: https://learn.microsoft.com/rest/api/storageservices/create-service-sas, …/create-account-sas, …/create-user-delegation-sas
const sasFields = new Set(
  'sv ss srt sp st se sip spr sig sr si ses sdd skoid sktid skt ske sks skv saoid suoid scid'.split(' '),
)

/** A shared access signature as somebody pasted it, taken apart; `problem` says what is wrong with it and never repeats it. */
export function parseSas(
  pasted: string,
): { readonly query: string; readonly endsMs: number | undefined } | { readonly problem: string } {
  if (/^https?:/i.test(pasted)) {
    return { problem: 'Give the shared access signature only: what stands behind the question mark of its address.' }
  }
  const given = new URLSearchParams(pasted.replace(/^\?/, ''))
  const names = [...given.keys()]
  if (!given.get('sig') || !given.get('sv')) {
    return { problem: 'This is no shared access signature: it has no “sig” or no “sv”.' }
  }
  if (names.some((name) => !sasFields.has(name)) || new Set(names).size !== names.length) {
    return { problem: 'This shared access signature has fields that do not belong into one.' }
  }
  const ends = Date.parse(given.get('se') ?? '')
  // Written anew, so that nothing but these fields gets into an address.
  return { query: given.toString().replaceAll('+', '%20'), endsMs: Number.isNaN(ends) ? undefined : ends }
}

/** What a connection string says, as far as it is used. */
export interface ConnectionString {
  readonly account: string
  readonly accountKey: string
  /** `core.windows.net` or that of another of Azure's clouds. */
  readonly suffix: string
}

const suffixes = ['core.windows.net', 'core.chinacloudapi.cn', 'core.usgovcloudapi.net']
const accountName = /^[a-z0-9]{3,24}$/

/** The name of a storage account. */
export function isAccountName(text: string): boolean {
  return accountName.test(text)
}

/** A key of a storage account: 64 bytes in base64. */
export function isAccountKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{40,200}={0,2}$/.test(text)
}

/**
 * Reads a connection string by an allow-list (§4.2 of the safety design): account name and key are taken and the host is built from them. What would
 * lead elsewhere (the development storage, proxies, endpoints that are not the account's own) is refused; `problem` never repeats what was given.
 */
export function parseConnectionString(text: string): ConnectionString | { readonly problem: string } {
  const fields = new Map<string, string>()
  for (const part of text.split(';')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = part.slice(0, Math.max(equals, 0)).toLowerCase()
    if (!known.has(name)) return { problem: 'The connection string has a field that is not known here.' }
    if (fields.has(name)) return { problem: 'The connection string says the same thing twice.' }
    fields.set(name, part.slice(equals + 1))
  }
  if (fields.has('usedevelopmentstorage') || fields.has('developmentstorageproxyuri')) {
    return { problem: 'The development storage is not reached by a connection string; name its address in the driver.' }
  }
  if (fields.has('sharedaccesssignature')) {
    return { problem: 'This one has a shared access signature; make an integration of that kind from it.' }
  }
  const account = fields.get('accountname') ?? ''
  const accountKey = fields.get('accountkey') ?? ''
  const suffix = (fields.get('endpointsuffix') ?? suffixes[0]!).toLowerCase()
  if (!isAccountName(account)) return { problem: 'The connection string has no account name as Azure has them.' }
  if (!isAccountKey(accountKey)) return { problem: 'The connection string has no account key as Azure has them.' }
  if (!suffixes.includes(suffix)) return { problem: 'The endpoint suffix is none of Azure’s.' }
  if ((fields.get('defaultendpointsprotocol') ?? 'https').toLowerCase() !== 'https') {
    return { problem: 'The connection string asks for http; Azure is reached by https only.' }
  }
  const endpoint = fields.get('blobendpoint')?.toLowerCase().replace(/\/$/, '')
  if (endpoint !== undefined && endpoint !== `https://${account}.blob.${suffix}`) {
    return { problem: 'Its blob endpoint is not the account’s own; leave it out and name the endpoint in the driver.' }
  }
  return { account, accountKey, suffix }
}

// The endpoints of other services are read over: nothing connects to them.
const known = new Set([
  'defaultendpointsprotocol',
  'accountname',
  'accountkey',
  'endpointsuffix',
  'blobendpoint',
  'queueendpoint',
  'tableendpoint',
  'fileendpoint',
  'dfsendpoint',
  'sharedaccesssignature',
  'usedevelopmentstorage',
  'developmentstorageproxyuri',
])

/** A directory as Entra names them: a GUID or a domain. Anything else would bend the address tokens are asked at. */
export function isTenantId(text: string): boolean {
  return isGuid(text) || (text.length <= 253 && /^[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))+$/i.test(text))
}

/** An id as Entra gives them to applications. */
export function isGuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
}
