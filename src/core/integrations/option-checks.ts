import { readDocument } from './json-document.ts'

/** Says what is wrong with a text that was typed, in a whole sentence that never repeats it; null when nothing is. */
export type OptionCheck = (value: string) => string | null

/** Fields of a Google service-account key that make it usable at all (IN-08). */
const KEY_FIELDS = ['client_email', 'private_key'] as const
/** What the SDK says a registry's password must have at least. */
const REGISTRY_KEY_FIELDS = ['project_id', ...KEY_FIELDS] as const
/** All fields of the file that Google hands out; in a form a registry's password is that file in base64 (RG-02). */
const KEY_FILE_FIELDS = [
  'project_id',
  'private_key_id',
  'private_key',
  'client_email',
  'client_id',
  'auth_uri',
  'token_uri',
  'auth_provider_x509_cert_url',
  'client_x509_cert_url',
] as const

// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
// Storages other than AWS may leave the account out, as Ceph does.
const roleArn = /^arn:aws(-[a-z]+)*:iam::(\d{12})?:role\/[\x21-\x7e]{1,576}$/

/** One ARN of an IAM role. */
export const arnProblem: OptionCheck = (value) =>
  roleArn.test(value) ? null : 'Give the role’s ARN, such as arn:aws:iam::123456789012:role/reader.'

/** One or more ARNs of IAM roles, separated by commas. */
export const arnsProblem: OptionCheck = (value) =>
  value.split(',').every((one) => roleArn.test(one.trim()))
    ? null
    : 'Give the ARNs of roles, such as arn:aws:iam::123456789012:role/reader, separated by commas.'

/** Something shaped like an e-mail address. */
export const emailProblem: OptionCheck = (value) =>
  // The length first: a pattern with two open ends takes its time with endless text.
  value.length <= 320 && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)
    ? null
    : 'Give the e-mail address of the service account.'

/** The JSON text of a service-account key with what is needed to log in by it. */
export const serviceAccountProblem: OptionCheck = (value) => keyProblem(value, KEY_FIELDS)

/** The same with the project, as scripts give it for a registry. */
export const registryKeyProblem: OptionCheck = (value) => keyProblem(value, REGISTRY_KEY_FIELDS)

/** The same with every field of the file, as people give it for a registry. */
export const keyFileProblem: OptionCheck = (value) => keyProblem(value, KEY_FILE_FIELDS)

/** The JSON text of an external-account configuration (workload identity federation). */
export const externalAccountProblem: OptionCheck = (value) => {
  const read = readDocument(value)
  if ('problem' in read) return read.problem ?? 'It must be the text of a JSON object.'
  const { type } = read.document
  // Google's tools write the type; scripts that leave it out are taken at their word.
  return type === undefined || type === 'external_account' ? null : 'Its “type” must be “external_account”.'
}

function keyProblem(value: string, fields: readonly string[]): string | null {
  const read = readDocument(value)
  if ('problem' in read)
    return read.problem ?? 'It must be the text of the JSON file that Google Cloud gave for the service account.'
  const { document } = read
  if (document.type !== 'service_account') return 'Its “type” must be “service_account”.'
  const missing = fields.filter((field) => typeof document[field] !== 'string' || document[field] === '')
  return missing.length === 0 ? null : `It lacks: ${missing.join(', ')}.`
}

/** A JSON object from text; null when it is anything else, or could be read in two ways. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  const read = readDocument(text)
  return 'problem' in read ? null : read.document
}
