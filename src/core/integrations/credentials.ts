import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { Secret } from '#lib/secret.ts'
import { VaultError } from '#vault/envelope.ts'
import type { SecretPlace, Vault } from '#vault/vault.ts'
import { insertSecret, selectSecret } from './queries.ts'
import type { FieldIssue } from './registry.ts'
import { type IntegrationOption, type IntegrationType, integrationType, integrationTypes } from './types.ts'

/** Longest option in characters; a service-account file has about 2,400. */
const OPTION_CHARS_MAX = 65_536

/** Options of an integration as a person typed them: each name of the type's table with its text. */
export type Options = Readonly<Record<string, unknown>>

/** Credentials ready for use: every value prints as `[secret]`. */
export type Credentials = ReadonlyMap<string, Secret>

/** The description of a kind of integration; throws `integration.invalid` when there is none of this name. */
export function requireType(type: string): IntegrationType {
  const found = integrationType(type)
  if (found !== undefined) return found
  const names = integrationTypes.map((each) => each.type).join(', ')
  throw new AppError('integration.invalid', {
    message: `There is no kind of integration named like this; there are: ${names}.`,
    details: [{ path: 'type', message: `One of: ${names}.` }],
  })
}

/** The options under the names of the type's table, where they came under another one; what comes under both stays as it is and is refused later. */
export function namedOptions(type: IntegrationType, options: Options): Options {
  const named: Record<string, unknown> = { ...options }
  for (const { name, alias } of type.options) {
    if (alias === undefined || !Object.hasOwn(options, alias) || Object.hasOwn(options, name)) continue
    named[name] = options[alias]
    delete named[alias]
  }
  return named
}

/**
 * Checks typed options against the type's table; throws `integration.invalid` with one detail a field. `at` is the fields' place in the request.
 *
 * The message has all details too, because the SDK shows nothing else; neither ever repeats what was typed.
 */
export function checkOptions(type: IntegrationType, options: Options, at: string): void {
  const issues: FieldIssue[] = []
  for (const option of type.options) {
    const message = optionProblem(option, Object.hasOwn(options, option.name) ? options[option.name] : undefined)
    if (message !== null) issues.push({ path: `${at}.${option.name}`, message })
  }
  const names = type.options.map((option) => option.name)
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) {
      issues.push({ path: `${at}.${name}`, message: `There is no such field; there are: ${names.join(', ')}.` })
    }
  }
  if (issues.length === 0 && type.issues !== undefined) issues.push(...type.issues(options, at))
  if (issues.length === 0) return
  const said = issues.map(({ path, message }) => `${path}: ${message}`).join(' ')
  throw new AppError('integration.invalid', { message: `The credentials are not right. ${said}`, details: issues })
}

function optionProblem(option: IntegrationOption, value: unknown): string | null {
  if (value === undefined || value === null || value === '')
    return option.required ? `${option.label} is required.` : null
  if (option.type === 'object') return typeof value === 'object' ? null : `${option.label} must be an object.`
  if (typeof value !== 'string') return `${option.label} must be a text.`
  if (value.length > OPTION_CHARS_MAX) return `${option.label} is longer than ${OPTION_CHARS_MAX} characters.`
  // The two usual slips of pasting; found here they do not become a puzzling signature error of the provider.
  if (option.type === 'string' && option.isVerbatim !== true) {
    if (value.trim() !== value) return `${option.label} starts or ends with white space; paste it again without.`
    if (/[\u0000-\u001f\u007f]/.test(value))
      return `${option.label} has a line break or control character; paste it again without.`
  }
  return option.check?.(value) ?? null
}

/** Seals options as one version of an integration's secret and stores it. */
export async function sealOptions(db: Db, vault: Vault, place: SecretPlace, options: Options): Promise<void> {
  const plaintext = Buffer.from(JSON.stringify(options), 'utf8')
  try {
    await insertSecret(db, place, await vault.seal(place, plaintext))
  } finally {
    plaintext.fill(0)
  }
}

/**
 * Opens the credentials of one version of an integration.
 *
 * Throws `integration.unreadable` when this server cannot open them: another master key, or a row that was moved or changed.
 */
export async function openOptions(db: Db, vault: Vault, place: SecretPlace): Promise<Credentials> {
  const sealed = await selectSecret(db, place)
  if (sealed === null) throw new AppError('integration.unreadable')
  const plaintext = await openOrExplain(vault, place, sealed)
  try {
    const options = parseOptions(plaintext.toString('utf8'))
    return new Map(
      Object.entries(options)
        .filter(([, value]) => value !== null && value !== undefined)
        .map(([name, value]) => [name, new Secret(typeof value === 'string' ? value : JSON.stringify(value))]),
    )
  } finally {
    plaintext.fill(0)
  }
}

function parseOptions(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    // The parser's own error quotes the text, so it is not kept as the cause.
    throw new AppError('integration.unreadable')
  }
}

async function openOrExplain(vault: Vault, place: SecretPlace, sealed: Parameters<Vault['open']>[1]): Promise<Buffer> {
  try {
    return await vault.open(place, sealed)
  } catch (error) {
    if (error instanceof VaultError) throw new AppError('integration.unreadable', { cause: error })
    throw error
  }
}
