import type { Readable } from 'node:stream'
import { type Answer, discard, type Exchanger, readBytes, readText } from './exchange.ts'
import { answerFailure, registryError, toRegistryError, untrusted, type Where } from './failures.ts'
import type { Login, Resource } from './login.ts'
import { digestOf, isOfDigest, MANIFEST_TYPES, type Manifest, parseManifest } from './manifest.ts'
import { isDigest, isRepository, isTag } from './names.ts'
import { verified } from './verified.ts'

/** Largest manifest, in bytes: what the specification wants registries to take. */
const MANIFEST_BYTES_MAX = 4 * 1024 * 1024
/** Largest page of a list, in bytes: a registry that knows no pages gives all tags at once. */
const LIST_BYTES_MAX = 32 * 1024 * 1024
/** Names asked for in one page. */
const LIST_PAGE = 1000
/** Most names of one list, and most pages: beyond that nobody could wait for the end. */
const NAMES_MAX = 1_000_000
const PAGES_MAX = 10_000
const REDIRECTS_MAX = 5

type Signalled = { readonly signal?: AbortSignal | undefined }

/** A blob that is being read. */
export interface OpenBlob {
  readonly body: Readable
  readonly bodyBytes: number
}

/**
 * The calls of the OCI distribution API that reading needs, against one registry. Names must have passed `isRepository`, `isTag` or `isDigest`.
 *
 * Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#endpoints
 */
export class RegistryClient {
  readonly #origin: URL
  readonly #login: Login
  readonly #exchanger: Exchanger

  constructor(origin: URL, login: Login, exchanger: Exchanger) {
    this.#origin = origin
    this.#login = login
    this.#exchanger = exchanger
  }

  /** Tries whether there is a registry that accepts the credentials (RG-10). */
  async ping({ signal }: Signalled = {}): Promise<void> {
    const where = { op: 'login' }
    const answer = await this.#get('/v2/', null, where, { signal })
    const isPage = /^text\/html/i.test(answer.headers['content-type'] ?? '')
    discard(answer)
    if (answer.status !== 200 || isPage) throw registryError('not-a-storage', where)
  }

  /** All repositories the credentials may see. */
  async repositories({ signal }: Signalled = {}): Promise<string[]> {
    return this.#names({
      path: '/v2/_catalog',
      field: 'repositories',
      resource: 'catalog',
      isName: isRepository,
      signal,
    })
  }

  /** All tags of a repository; throws `unknown-bucket` where there is no such repository. */
  async tags(repository: string, { signal }: Signalled = {}): Promise<string[]> {
    const path = `/v2/${repository}/tags/list`
    return this.#names({ path, field: 'tags', resource: { repository }, isName: isTag, signal })
  }

  /** A manifest by tag or digest, verified; throws `not-found` or `unknown-bucket` where there is none. */
  async manifest(repository: string, reference: string, { signal }: Signalled = {}): Promise<Manifest> {
    const where = { op: 'list', key: `${repository}/${reference}` }
    const headers = { accept: MANIFEST_TYPES.join(', ') }
    const answer = await this.#get(`/v2/${repository}/manifests/${reference}`, { repository }, where, {
      headers,
      signal,
    })
    try {
      if (answer.status !== 200) throw untrusted('a manifest is not where the registry itself says', where)
      const bytes = await readBytes(answer, MANIFEST_BYTES_MAX)
      const type = (answer.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
      const digest = this.#digest(bytes, reference, answer, type)
      if (digest === null) throw untrusted('a manifest has another digest than was said', where)
      return parseManifest(bytes, digest, type) ?? opaque(bytes, digest, type)
    } catch (error) {
      throw toRegistryError(error, where, signal)
    }
  }

  /**
   * Opens a blob; redirects are followed, without the credentials once they lead to another host. A whole blob is verified: its stream fails before its end
   * where it is not of this digest and size.
   */
  async blob(
    repository: string,
    { digest, sizeBytes }: { readonly digest: string; readonly sizeBytes: number },
    options: Signalled & {
      readonly range?: { readonly start: number; readonly end: number } | undefined
      readonly key: string
    },
  ): Promise<OpenBlob> {
    const { range, key, signal } = options
    const where = { op: 'read', key }
    const headers = range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` }
    try {
      let answer = await this.#get(`/v2/${repository}/blobs/${digest}`, { repository }, where, { headers, signal })
      let url = new URL(`/v2/${repository}/blobs/${digest}`, this.#origin)
      for (let hops = 1; answer.status >= 300; hops++) {
        discard(answer)
        url = this.#redirect(url, answer, hops, where)
        if (url.origin === this.#origin.origin) {
          answer = await this.#login.get({ url, resource: { repository }, where, headers, signal })
          continue
        }
        // No credentials: an address that a registry leads to carries its own.
        answer = await this.#exchanger.send({ url, headers, signal })
        const isGood = answer.status === 200 || answer.status === 206 || isRedirect(answer.status)
        if (!isGood) throw await answerFailure(answer, where, true)
      }
      return this.#opened(answer, { digest, sizeBytes }, range, where, signal)
    } catch (error) {
      throw toRegistryError(error, where, signal)
    }
  }

  #opened(
    answer: Answer,
    { digest, sizeBytes }: { readonly digest: string; readonly sizeBytes: number },
    range: { readonly start: number; readonly end: number } | undefined,
    where: Where,
    signal: AbortSignal | undefined,
  ): OpenBlob {
    const bodyBytes = range === undefined ? sizeBytes : range.end - range.start + 1
    const isPart = answer.status === 206
    const said = answer.headers['content-length']
    const coding = answer.headers['content-encoding'] ?? 'identity'
    const isRight =
      isPart === (range !== undefined) &&
      (said === undefined || said === String(bodyBytes)) &&
      coding === 'identity' &&
      (!isPart || answer.headers['content-range'] === `bytes ${range!.start}-${range!.end}/${sizeBytes}`)
    if (isRight) return { body: verified(answer.body, { digest, bodyBytes, isPart, where, signal }), bodyBytes }
    answer.body.on('error', () => {})
    answer.body.destroy()
    throw untrusted('a blob has another size than was said, or other bytes came than were asked for', where)
  }

  #redirect(from: URL, { status, headers }: Answer, hops: number, where: Where): URL {
    const { location } = headers
    if (!isRedirect(status) || location === undefined || !URL.canParse(location, from.href)) {
      throw untrusted('it leads nowhere', where)
    }
    const to = new URL(location, from)
    const isWeb = to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:')
    if (hops > REDIRECTS_MAX || !isWeb || to.username !== '' || to.password !== '') {
      throw untrusted('it leads astray', where)
    }
    return to
  }

  /** The digest a manifest has, verified; null where it is not what was asked for or said. */
  #digest(bytes: Buffer, reference: string, { headers }: Answer, type: string): string | null {
    if (isDigest(reference)) return isOfDigest(bytes, reference) ? reference : null
    const said = headers['docker-content-digest']
    // The digest of the oldest kind of manifest leaves its signatures out.
    if (!isDigest(said) || type.endsWith('+prettyjws')) return digestOf(bytes)
    return isOfDigest(bytes, said) ? said : null
  }

  async #names(list: {
    readonly path: string
    readonly field: 'repositories' | 'tags'
    readonly resource: Resource
    readonly isName: (text: string) => boolean
    readonly signal: AbortSignal | undefined
  }): Promise<string[]> {
    const { path, field, resource, isName, signal } = list
    const where = { op: 'list' }
    const names = new Set<string>()
    let target: string | null = `${path}?n=${LIST_PAGE}`
    for (let pages = 0; target !== null; pages++) {
      const answer: Answer = await this.#get(target, resource, where, { signal })
      try {
        if (answer.status !== 200) throw untrusted('a list is not where the registry itself says', where)
        const before = names.size
        for (const name of namesOf(await readText(answer, LIST_BYTES_MAX), field, where))
          if (isName(name)) names.add(name)
        const next = this.#next(answer, path, where)
        const isStuck = next !== null && (next === target || names.size === before)
        if (isStuck || pages > PAGES_MAX || names.size > NAMES_MAX) throw untrusted('its list does not end', where)
        target = next
      } catch (error) {
        throw toRegistryError(error, where, signal)
      }
    }
    return [...names]
  }

  /** Where a list goes on (RFC 8288): on this registry and the same path, or it is not followed. */
  #next({ headers }: Answer, path: string, where: Where): string | null {
    const link = [headers.link ?? []].flat().join(', ')
    const found = /<([^<>]{1,4096})>\s*;[^<]*\brel="?next"?/.exec(link)?.[1]
    if (found === undefined) return null
    const base = new URL(path, this.#origin).href
    const url = URL.canParse(found, base) ? new URL(found, base) : null
    if (url === null || url.origin !== this.#origin.origin || url.pathname !== path) {
      throw untrusted('its list goes on at another place', where)
    }
    return `${url.pathname}${url.search}`
  }

  #get(
    target: string,
    resource: Resource,
    where: Where,
    options: Signalled & { readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Answer> {
    return this.#login.get({ url: new URL(target, this.#origin), resource, where, ...options })
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

function opaque(bytes: Buffer, digest: string, mediaType: string): Manifest {
  return { digest, bytes, mediaType, manifests: [], blobs: [], createdMs: 0 }
}

/** The names of a list; a repository without tags has null in the place of the list. */
function namesOf(text: string, field: string, where: Where): string[] {
  let list: unknown
  try {
    list = (JSON.parse(text) as Record<string, unknown> | null)?.[field]
  } catch {
    list = undefined
  }
  if (list === null) return []
  if (!Array.isArray(list) || !list.every((name) => typeof name === 'string')) throw untrusted('a list is none', where)
  return list as string[]
}
