import type { Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { Secret } from '#lib/secret.ts'
import { ecrHost } from '#storage/registry/ecr.ts'
import { pullServer, registryOrigin } from '#storage/registry/hosts.ts'
import type { RegistryAccount } from '#storage/registry/registry.ts'
import type { Credentials } from './credentials.ts'
import { parseObject } from './option-checks.ts'
import { decodeBase64, GOOGLE_BASE64_USER, GOOGLE_USER, isObject } from './registry.ts'

/** One registry that an integration has credentials for. */
export interface RegistryLogin {
  /** As it was given, and as docker configurations name it. */
  readonly server: string
  /** Where it answers: `https://host[:port]`. */
  readonly origin: string
  readonly account: RegistryAccount
  /** Docker Hub's accounts come with one (RG-07). */
  readonly email: string | null
}

/**
 * The registries a private-registry integration has credentials for; for drivers, trials and docker configurations. Throws `integration.invalid` where the
 * credentials are none, which only those of another release can be.
 */
export function registryLogins(credentials: Credentials): RegistryLogin[] {
  const spec = parseObject(credentials.get('spec')?.reveal() ?? '')
  const logins =
    spec === null ? null : credentials.get('name')?.reveal() === 'AWS' ? ecrLogins(spec) : dockerLogins(spec)
  if (logins !== null && logins.length > 0) return logins
  throw new AppError('integration.invalid', {
    message: 'The integration has no registry; enter its credentials again.',
  })
}

function ecrLogins({ accessKeyId, secretAccessKey, account, region }: Record<string, unknown>): RegistryLogin[] | null {
  const texts = [accessKeyId, secretAccessKey, account, region]
  if (!texts.every((text) => typeof text === 'string')) return null
  const [id, secret, number, place] = texts as [string, string, string, string]
  const server = ecrHost(number, place)
  const key = { accessKeyId: id, secretAccessKey: new Secret(secret), region: place }
  return [{ server, origin: `https://${server}`, account: { kind: 'ecr', key }, email: null }]
}

function dockerLogins({ password }: Record<string, unknown>): RegistryLogin[] | null {
  const config = parseObject(typeof password === 'string' ? (decodeBase64(password) ?? '') : '')
  if (config === null || !isObject(config.auths)) return null
  return Object.entries(config.auths).flatMap(([server, given]) => {
    const origin = registryOrigin(server)
    if (origin === null || !isObject(given)) return []
    const { username, password: secret, email } = given
    if (typeof username !== 'string' || typeof secret !== 'string') return []
    const account = { kind: 'password', username, password: new Secret(googlePassword(username, secret)) } as const
    return [{ server, origin, account, email: typeof email === 'string' && email !== '' ? email : null }]
  })
}

/** A service-account key as the user name says it is sent: the file itself, or in base64; people give either with either. */
function googlePassword(username: string, password: string): string {
  const isJson = parseObject(password) !== null
  if (username === GOOGLE_USER && !isJson) return decodeBase64(password) ?? password
  return username === GOOGLE_BASE64_USER && isJson ? Buffer.from(password).toString('base64') : password
}

/**
 * Does the handshake of every registry that an integration has credentials for (RG-10); throws the first failure as the storage kit tells it:
 * `bad-credentials` for a wrong password, `unreachable` for a wrong host.
 */
export async function tryRegistryLogins(deps: Deps, credentials: Credentials): Promise<void> {
  const { tryRegistry } = await import('#storage/registry/registry.ts')
  const allowedRealms = deps.config.registryRealms
  for (const { origin, account } of registryLogins(credentials)) {
    await tryRegistry({ origin, account, allowedRealms, egress: deps.egress })
  }
}

/** What docker and its like log in with: user, password and both in base64, by server (RG-03). */
export interface DockerConfig {
  readonly auths: Readonly<Record<string, DockerAuth>>
}

interface DockerAuth {
  readonly username: string
  readonly password: string
  readonly auth: string
  readonly email?: string
}

/**
 * The docker configuration by which images are pulled with an integration's credentials, in base64 as a pull secret holds it. For what pulls images; it is a
 * secret, and no answer of the API holds it. That of Amazon's registry is good for twelve hours.
 */
export async function dockerConfig(deps: Deps, credentials: Credentials): Promise<Secret> {
  const { pullingAccount } = await import('#storage/registry/registry.ts')
  const auths: Record<string, DockerAuth> = {}
  for (const { server, account, email } of registryLogins(credentials)) {
    const { username, password } = await pullingAccount(account, deps.egress)
    const auth = Buffer.from(`${username}:${password.reveal()}`).toString('base64')
    auths[pullServer(server)] = { username, password: password.reveal(), auth, ...(email === null ? {} : { email }) }
  }
  const config: DockerConfig = { auths }
  return new Secret(Buffer.from(JSON.stringify(config)).toString('base64'))
}
