import { failureOf, networkFailure } from '../http/failures.ts'
import { StorageError, type StorageErrorKind } from '../storage-error.ts'
import { type Answer, discard, readText } from './exchange.ts'

/** Where a failure happened. */
export interface Where {
  readonly op: string
  readonly key?: string | undefined
}

/** Body of an error that is looked at, in bytes; the rest is thrown away. */
const ERROR_BYTES_MAX = 64 * 1024

/** Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#error-codes, and the codes of registries that have more. */
const kindOfCode = new Map<string, StorageErrorKind>([
  ['NAME_UNKNOWN', 'unknown-bucket'],
  ['NAME_INVALID', 'unknown-bucket'],
  ['MANIFEST_UNKNOWN', 'not-found'],
  ['BLOB_UNKNOWN', 'not-found'],
  ['TOOMANYREQUESTS', 'throttled'],
  ['UNSUPPORTED', 'unsupported'],
])

const sentences: Partial<Record<StorageErrorKind, string>> = {
  'unknown-bucket': 'The registry has no repository of this name.',
  'not-found': 'The registry has no such manifest or blob.',
  forbidden: 'The registry denied this to the credentials.',
  'bad-credentials': 'The registry does not accept user and password.',
  'not-a-storage': 'The address answered, but not as a container registry does; check the server and its port.',
  unsupported: 'The registry does not offer this.',
}

/** The error of a kind in the words of registries. Its message holds nothing of an answer's body. */
export function registryError(
  kind: StorageErrorKind,
  where: Where,
  facts: { providerCode?: string | undefined; message?: string; retryAfterMs?: number; cause?: unknown } = {},
): StorageError {
  const { message, ...known } = facts
  const said = message ?? sentences[kind]
  if (said === undefined) return failureOf(kind, { provider: 'registry', ...where }, known)
  return new StorageError(kind, said, { provider: 'registry', ...where, ...known })
}

/** Says that an answer contradicts itself or what was asked; nothing of it is used. */
export function untrusted(what: string, where: Where): StorageError {
  const message = `The registry's answer cannot be trusted: ${what}. Nothing of it was used.`
  return registryError('invalid', where, { message })
}

/** Turns anything thrown on the way to a registry into a `StorageError`. */
export function toRegistryError(error: unknown, where: Where, signal?: AbortSignal): StorageError {
  if (signal?.aborted) return registryError('aborted', where)
  return networkFailure(error, { provider: 'registry', ...where })
}

/** The same for a call that this file's neighbours end by their own clock: then nobody has stopped it, the other side was silent. */
export function toTimedError(error: unknown, where: Where, clock: AbortSignal): StorageError {
  return clock.aborted ? registryError('unreachable', where) : toRegistryError(error, where)
}

/**
 * What an answer with a failing status stands for; its body is read to its code, or thrown away. `isLoggedIn`: the registry has accepted the credentials
 * before, so a 401 is about this one thing.
 */
export async function answerFailure(answer: Answer, where: Where, isLoggedIn: boolean): Promise<StorageError> {
  const { status, headers } = answer
  const code = await codeOf(answer)
  const isRegistry = code !== undefined || headers['docker-distribution-api-version'] !== undefined
  const seconds = Number(headers['retry-after'])
  const wait = headers['retry-after'] !== undefined && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}
  return registryError(kindOf(status, code, isRegistry, isLoggedIn), where, { providerCode: code, ...wait })
}

function kindOf(status: number, code: string | undefined, isRegistry: boolean, isLoggedIn: boolean): StorageErrorKind {
  if (status === 429) return 'throttled'
  if (status === 401) return isLoggedIn ? 'forbidden' : 'bad-credentials'
  if (status === 403) return 'forbidden'
  if (status === 408 || status >= 500) return 'unavailable'
  const kind = code === undefined ? undefined : kindOfCode.get(code)
  if (kind !== undefined) return kind
  if (status === 405) return 'unsupported'
  return isRegistry ? 'invalid' : 'not-a-storage'
}

/** The first code of `{"errors": [{"code": …}]}`; undefined where the body is anything else. */
async function codeOf(answer: Answer): Promise<string | undefined> {
  try {
    const parsed = JSON.parse(await readText(answer, ERROR_BYTES_MAX)) as { errors?: { code?: unknown }[] }
    const code = parsed.errors?.[0]?.code
    return typeof code === 'string' && /^[A-Za-z0-9_]{1,64}$/.test(code) ? code : undefined
  } catch {
    // No JSON, too long or broken off: the status alone counts then.
    discard(answer)
    return undefined
  }
}
