import type { Config } from '#config/config.ts'
import { AppError } from '#lib/app-error.ts'
import { Secret } from '#lib/secret.ts'
import {
  type AzureCredentials,
  type AzureLogin,
  isAccountKey,
  isAccountName,
  isGuid,
  isTenantId,
  parseConnectionString,
  parseSas,
} from '#storage/azure/credentials.ts'
import type { Credentials } from './credentials.ts'
import type { OptionCheck } from './option-checks.ts'

/** The kinds of integration that reach an Azure storage account. */
export const azureTypes = [
  'azureblob',
  'azure-account-key',
  'azure-sas',
  'azure-connection-string',
  'azure-workload-identity-federation',
  'azure-managed-identity',
] as const

/** An account, and who we are to it. */
export interface AzureAccount {
  readonly account: string
  readonly credentials: AzureCredentials
  /** The account's own address where it is in another cloud than the public one. */
  readonly endpoint: string | undefined
}

/** Whose credentials they are. */
export interface AzureSubject {
  readonly type: string
  readonly orgId: string
  readonly credentials: Credentials | null
}

/**
 * What an integration of Azure logs in with, for its drivers.
 *
 * Throws `integration.invalid` where something typed cannot be used, and `integration.not_supported` where the operator has not switched on what this kind
 * needs: this server's own identity is used only by organizations that he named, never because something else is missing (§4.2 of the safety design).
 */
export function azureAccount(config: Config, { type, orgId, credentials }: AzureSubject): AzureAccount {
  const given = (name: string) => credentials?.get(name)
  if (type === 'azure-connection-string') {
    const parsed = parseConnectionString(given('connectionString')?.reveal() ?? '')
    if ('problem' in parsed) throw refused('connectionString', parsed.problem)
    const { account, accountKey, suffix } = parsed
    const endpoint = suffix === 'core.windows.net' ? undefined : `https://${account}.blob.${suffix}`
    return { account, endpoint, credentials: { kind: 'account-key', accountKey: new Secret(accountKey) } }
  }
  const account = given('key')?.reveal() ?? ''
  if (!isAccountName(account)) throw refused('key', ACCOUNT_WANTED)
  if (type === 'azure-account-key') {
    const accountKey = given('secret')
    if (accountKey === undefined || !isAccountKey(accountKey.reveal())) throw refused('secret', KEY_WANTED)
    return { account, endpoint: undefined, credentials: { kind: 'account-key', accountKey } }
  }
  if (type === 'azure-sas') {
    const sas = given('secret')
    const parsed = parseSas(sas?.reveal() ?? '')
    if (sas === undefined || 'problem' in parsed) throw refused('secret', 'problem' in parsed ? parsed.problem : '')
    return { account, endpoint: undefined, credentials: { kind: 'sas', sas } }
  }
  return { account, endpoint: undefined, credentials: { kind: 'token', login: loginOf(config, type, orgId, given) } }
}

type Given = (name: string) => Secret | undefined

function loginOf({ azureIdentity }: Config, type: string, orgId: string, given: Given): AzureLogin {
  const clientId = given('clientId')?.reveal()
  if (type === 'azure-managed-identity') {
    if (!azureIdentity.managedIdentityOrgs.includes(orgId)) throw notSwitchedOn('SLUICE_AZURE_MANAGED_IDENTITY_ORGS')
    return { by: 'managed-identity', clientId: clientId || undefined, endpoint: azureIdentity.managedIdentityEndpoint }
  }
  const tenantId = given('tenantId')?.reveal() ?? ''
  if (!isTenantId(tenantId)) throw refused('tenantId', TENANT_WANTED)
  if (clientId === undefined || !isGuid(clientId)) throw refused('clientId', 'Give the application’s id, a GUID.')
  const application = { tenantId, clientId, authority: azureIdentity.authority }
  if (type === 'azure-workload-identity-federation') {
    const { federatedTokenFile } = azureIdentity
    if (federatedTokenFile === null) throw notSwitchedOn('SLUICE_AZURE_FEDERATED_TOKEN_FILE')
    return { by: 'federated', tokenFile: federatedTokenFile.replaceAll('{org}', orgId), ...application }
  }
  const clientSecret = given('secret')
  if (clientSecret === undefined) throw refused('secret', 'The client secret is required.')
  return { by: 'client-secret', clientSecret, ...application }
}

const ACCOUNT_WANTED = 'Give the storage account’s name: 3 to 24 small letters and digits.'
const KEY_WANTED = 'Give one of the account’s keys, as Azure shows it.'
const TENANT_WANTED = 'Give the directory’s id, a GUID, or one of its domains.'

/** A part of a host name, and nothing that would make another host of it. */
export const accountProblem: OptionCheck = (value) => (/^[A-Za-z0-9-]{1,63}$/.test(value) ? null : ACCOUNT_WANTED)
/** What may stand for a directory in an address. */
export const tenantProblem: OptionCheck = (value) => (/^[A-Za-z0-9.-]{1,253}$/.test(value) ? null : TENANT_WANTED)
/** A key of a storage account. */
export const accountKeyProblem: OptionCheck = (value) => (isAccountKey(value) ? null : KEY_WANTED)
/** A shared access signature without an address. */
export const sasProblem: OptionCheck = (value) => {
  const parsed = parseSas(value)
  return 'problem' in parsed ? parsed.problem : null
}
/** A connection string that leads to Azure and nowhere else. */
export const connectionStringProblem: OptionCheck = (value) => {
  const parsed = parseConnectionString(value)
  return 'problem' in parsed ? parsed.problem : null
}

function refused(field: string, sentence: string): AppError {
  return new AppError('integration.invalid', {
    message: `The credentials cannot be used. ${sentence}`,
    details: [{ path: `options.${field}`, message: sentence }],
  })
}

function notSwitchedOn(setting: string): AppError {
  return new AppError('integration.not_supported', {
    message: `This organization cannot use this server’s own identity: the operator has to set ${setting} first.`,
  })
}
