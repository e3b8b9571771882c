/** Where the blobs of a storage account are reached, and how names are put into paths. */
export interface AccountAddress {
  readonly account: string
  /** `http(s)://host[:port]`, without a path. */
  readonly origin: string
  readonly isSecure: boolean
  /** Empty, or `/account` where the host is not the account's own. */
  readonly rootPath: string
}

/** The clouds whose storage hosts are known: everywhere else the driver's settings name the endpoint. */
export const blobHostSuffixes = [
  'blob.core.windows.net',
  'blob.core.chinacloudapi.cn',
  'blob.core.usgovcloudapi.net',
] as const

/**
 * Works out the address of a storage account, for `azure.ts`.
 *
 * Azure's hosts begin with the account's name; anything else (Azurite, Azure Stack by its IP address) has it as the first part of the path.
 * https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
 */
export function accountAddress(account: string, endpoint: string | undefined): AccountAddress {
  const base = new URL(endpoint ?? `https://${account}.${blobHostSuffixes[0]}`)
  const isHostStyle = base.hostname.startsWith(`${account}.`)
  return {
    account,
    origin: base.origin,
    isSecure: base.protocol === 'https:',
    rootPath: isHostStyle ? '' : `/${account}`,
  }
}

/** The encoded path of a container, or of a blob in it; the blob's name must have passed `azureKey`. */
export function pathOf(address: AccountAddress, container: string, key?: string): string {
  const path = `${address.rootPath}/${container}`
  return key === undefined ? path : `${path}/${encodeText(key).replaceAll('%2F', '/')}`
}

const plain = /^[A-Za-z0-9\-._~]*$/

/** Percent-encodes everything but unreserved characters. Throws on a lone surrogate. */
export function encodeText(text: string): string {
  if (plain.test(text)) return text
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}
