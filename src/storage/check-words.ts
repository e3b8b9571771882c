import { errors } from '#contract/errors.ts'
import { storageErrorCode } from './error-codes.ts'
import type { Probe, ProviderId } from './port.ts'
import type { StorageError, StorageErrorKind } from './storage-error.ts'

/** Failures that no other probe can get around: they stop a check and stand for all of it. */
export const connectionKinds: ReadonlySet<StorageErrorKind> = new Set([
  'unreachable',
  'address-denied',
  'tls',
  'not-a-storage',
  'wrong-region',
  'unknown-bucket',
  'bad-credentials',
  'expired-credentials',
  'role-denied',
  'clock-skew',
  'root-not-allowed',
  'aborted',
])

const doing: Readonly<Record<Probe['name'], string>> = {
  list: 'List the folder',
  write: 'Write a test file into the hidden folder',
  read: 'Read the test file',
  range: 'Read a part of the test file',
  sign: 'Fetch the test file through a signed address',
  delete: 'Delete the test file',
}

/** Whose right the use of the bucket's key is, and which (PM-24). */
const keyRights: Readonly<Partial<Record<ProviderId, string>>> = {
  s3: 'Grant kms:Decrypt and kms:GenerateDataKey on the bucket’s key.',
  gcs: 'Grant the role Cloud KMS CryptoKey Encrypter/Decrypter on the bucket’s key to the storage service agent of its project.',
  azure:
    'Grant the role Key Vault Crypto Service Encryption User on the account’s key to the storage account’s own identity.',
}

/** What a failed probe means, in a sentence or two; free of secrets and of the provider's body. */
export function sentenceOf(name: Probe['name'], right: string, error: StorageError): string {
  if (error.kind === 'forbidden') return `${doing[name]}: denied. Grant ${right} to these credentials.`
  if (error.kind === 'kms-forbidden') {
    const rights = keyRights[error.facts.provider] ?? 'Grant the use of the key.'
    return `${doing[name]}: denied by the encryption key. ${rights}`
  }
  if (error.kind === 'wrong-region' && error.facts.region !== undefined) {
    return `The bucket is in the region ${error.facts.region}; set that region in the driver.`
  }
  if (connectionKinds.has(error.kind)) return errors[storageErrorCode(error)].message
  return `${doing[name]}: ${error.message}`
}

/** Where a right is granted, by whose storage it is. */
const grantedAt: Readonly<Partial<Record<ProviderId, (right: string, name: Probe['name']) => string>>> = {
  s3: (right, name) =>
    `Add ${right} on the ${name === 'list' ? 'bucket, for the driver’s folder,' : 'objects of the driver’s folder'} to the policy of the IAM user or role; look for a bucket policy that denies it.`,
  gcs: (right) =>
    `Give the service account a role with ${right} on the bucket; a condition of it has to hold for the driver’s folder.`,
  azure: (right) => `Give ${right} to who logs in, on the container or above it; a new assignment takes some minutes.`,
  registry: () => 'Give the account the right to pull these repositories.',
  local: (_right, name) =>
    `Let the user that the server runs as ${name === 'list' ? 'enter and read the folder and all below it' : name === 'write' || name === 'delete' ? 'write in the folder and all below it' : 'read the files of the folder'}.`,
}

const remedies: Readonly<Partial<Record<StorageErrorKind, string>>> = {
  unreachable:
    'Check the spelling of the endpoint and its port, that the storage runs, and that a firewall lets this server out to it.',
  'address-denied': 'Use a public address, or have the operator allow this one in SLUICE_EGRESS_ALLOW.',
  tls: 'Check https or http in the endpoint and its host name; for a certificate of your own authority have the operator start the server with NODE_EXTRA_CA_CERTS.',
  'not-a-storage': 'Give the address of the storage’s API, not that of its web pages.',
  'wrong-region': 'Set the bucket’s own region in the driver; the provider’s page of the bucket names it.',
  'unknown-bucket': 'Check the spelling of the bucket’s name, and that it belongs to this endpoint and account.',
  'bad-credentials': 'Copy key and secret into the integration again, and look whether the key is still active.',
  'expired-credentials': 'Put fresh credentials into the integration.',
  'role-denied':
    'Check the role’s ARN, and let its trust policy name who asks, with the external id of the integration.',
  'clock-skew': 'Set this server’s clock by a time service (NTP).',
  'root-not-allowed': 'Have the operator add the folder to SLUICE_LOCAL_ROOTS and restart the server.',
  throttled: 'Try again in a minute.',
  unavailable: 'Try again later.',
}

/** What to do about a failed probe, and where; undefined where nobody knows. */
export function remedyOf(name: Probe['name'], right: string, error: StorageError): string | undefined {
  const { provider, region } = error.facts
  if (error.kind === 'forbidden') return grantedAt[provider]?.(right, name)
  if (error.kind === 'kms-forbidden') return keyRights[provider]
  if (error.kind === 'wrong-region' && region !== undefined) return `Set the region to ${region}.`
  return remedies[error.kind]
}
