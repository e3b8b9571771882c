import { registryOrigin } from '#storage/registry/hosts.ts'
import { keyFileProblem, parseObject, registryKeyProblem } from './option-checks.ts'

/** What is wrong with one field, in words a form can put beside it; never repeats what was typed. */
export interface FieldIssue {
  readonly path: string
  readonly message: string
}

type Fields = Readonly<Record<string, unknown>>

/** What AWS's own registry needs (RG-05), each with what is wanted of it. */
const ecrFields = [
  { name: 'accessKeyId', pattern: /^\S+$/, wanted: 'Access key ID is required.' },
  { name: 'secretAccessKey', pattern: /^\S+$/, wanted: 'Secret access key is required.' },
  { name: 'account', pattern: /^\d{12}$/, wanted: 'Give the number of the AWS account, 12 digits.' },
  { name: 'region', pattern: /^[a-z0-9-]{1,64}$/, wanted: 'Give a region’s name, such as eu-central-1.' },
] as const

/** User name by which Google's registries know that the password is a service-account key (RG-03). */
export const GOOGLE_USER = '_json_key'
/** The same where the key is sent in base64. Source: https://cloud.google.com/artifact-registry/docs/docker/authentication#json-key */
export const GOOGLE_BASE64_USER = '_json_key_base64'

/**
 * Checks the credentials of a private registry (RG-01 to RG-07): those of AWS, or a docker configuration in base64 as the SDK's own functions make it for
 * Google, Azure and Docker Hub. Answers one issue a field, its place beginning with `at`.
 */
export function registryIssues(options: Fields, at: string): FieldIssue[] {
  const { name, spec } = options
  if (!isObject(spec)) return [{ path: `${at}.spec`, message: 'Credentials must be an object.' }]
  if (name === 'AWS') return ecrIssues(spec, `${at}.spec`)
  if (name === GOOGLE_USER) return dockerIssues(spec, `${at}.spec`)
  return [{ path: `${at}.name`, message: `It must be AWS for Amazon’s registry, and ${GOOGLE_USER} for all others.` }]
}

function ecrIssues(spec: Fields, at: string): FieldIssue[] {
  const issues = unknownFields(
    spec,
    ecrFields.map((field) => field.name),
    at,
  )
  for (const { name, pattern, wanted } of ecrFields) {
    const value = spec[name]
    if (typeof value !== 'string' || !pattern.test(value)) issues.push({ path: `${at}.${name}`, message: wanted })
  }
  return issues
}

function dockerIssues(spec: Fields, at: string): FieldIssue[] {
  const issues = unknownFields(spec, ['password'], at)
  const path = `${at}.password`
  const { password } = spec
  if (typeof password !== 'string' || password === '') return [...issues, { path, message: 'Password is required.' }]
  const text = decodeBase64(password)
  if (text === null)
    return [...issues, { path, message: 'Password must be a docker configuration (JSON) written in base64.' }]
  const config = parseObject(text)
  if (config === null || !isObject(config.auths) || Object.keys(config.auths).length === 0) {
    return [...issues, { path, message: 'Inside the base64 there must be JSON: {"auths": {"<server>": {…}}}.' }]
  }
  for (const [server, account] of Object.entries(config.auths)) issues.push(...accountIssues(server, account, path))
  return issues
}

/** One server of a docker configuration. Its place names the field only: a server's name may be a secret's neighbour, but a password never is. */
function accountIssues(server: string, account: unknown, at: string): FieldIssue[] {
  const issues: FieldIssue[] = []
  const say = (field: string, message: string) => void issues.push({ path: `${at}.auths.${field}`, message })
  if (server.trim() === '') say('server', 'Server is required.')
  else if (registryOrigin(server) === null)
    say('server', 'Give a registry’s host, such as europe-west3-docker.pkg.dev, with its port where it has one.')
  if (!isObject(account)) return [...issues, { path: `${at}.auths`, message: 'Each server must have an object.' }]
  const { username, password, auth } = account
  issues.push(...unknownFields(account, ['username', 'password', 'auth', 'email'], `${at}.auths`))
  if (typeof username !== 'string' || username === '') say('username', 'User is required.')
  else if (username.includes(':'))
    say('username', 'A user has no colon in it: what follows would be taken for the password.')
  if (typeof password !== 'string' || password === '') {
    say('password', 'Password is required.')
  } else if (username === GOOGLE_USER || username === GOOGLE_BASE64_USER) {
    const problem = googlePasswordProblem(password)
    if (problem !== null) say('password', problem)
  }
  const isAuthRight = typeof auth === 'string' && decodeBase64(auth) === `${String(username)}:${String(password)}`
  if (issues.length === 0 && !isAuthRight) say('auth', 'It must be “user:password” written in base64.')
  return issues
}

/** The whole service-account file in base64, as forms send it (RG-02); or JSON as it is, as the SDK does, whose callers leave out what no log-in needs. */
function googlePasswordProblem(password: string): string | null {
  return parseObject(password) === null
    ? keyFileProblem(decodeBase64(password) ?? password)
    : registryKeyProblem(password)
}

function unknownFields(given: Fields, names: readonly string[], at: string): FieldIssue[] {
  const isUnknown = Object.keys(given).some((name) => !names.includes(name))
  return isUnknown ? [{ path: at, message: `There are only these fields: ${names.join(', ')}.` }] : []
}

/** Whether a value is an object with names, and no list. */
export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Text from base64, for credentials that are kept in it; null where it is not exactly that. Node's decoder skips what is no base64, so the way back is compared. */
export function decodeBase64(text: string): string | null {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) return null
  const decoded = bytes.toString('utf8')
  return decoded.includes('\ufffd') ? null : decoded
}
