/** A kind of registry whose token service, or whose whole API, is on another host than its name says. */
interface KnownRegistry {
  /** Hosts the rule is about. */
  readonly hosts: RegExp
  /** Hosts of token services it may name besides its own. */
  readonly realms: readonly string[]
}

/**
 * Where passwords may be sent besides the registry itself (§4.2 of the safety design): operators add to it, tenants cannot.
 *
 * Google, Azure, GitHub and Quay keep their token service on the registry's own host, Amazon has none.
 */
const known: readonly KnownRegistry[] = [
  { hosts: /^(?:registry-1|index)\.docker\.io$/, realms: ['auth.docker.io'] },
  { hosts: /^registry\.gitlab\.com$/, realms: ['gitlab.com'] },
]

// Source: https://cloud.google.com/artifact-registry/docs/repositories/repo-locations
const googleLocation = /^(?:us|europe|asia|[a-z]{2,20}-[a-z]{2,20}[0-9]{1,2})$/

/** Names by which Docker Hub is known; its API answers at `registry-1.docker.io` only. */
const hubNames = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'])
const HUB = 'registry-1.docker.io'

/**
 * The origin (`https://host[:port]`) of a registry as docker configurations and people write it: a host, with or without port, scheme or the path
 * of old versions (`https://index.docker.io/v1/`). Null where it is none. Without a scheme it is https. A location of Google's alone, which is what the
 * SDK calls a registry by (`europe-west3`), stands for its Artifact Registry.
 */
export function registryOrigin(server: string): string | null {
  if (googleLocation.test(server)) return `https://${server}-docker.pkg.dev`
  const text = /^[a-z]+:\/\//i.test(server) ? server : `https://${server}`
  if (!URL.canParse(text) || /[\s\\@?#]/.test(server)) return null
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null
  // `.` behind a host is another name to the eye and the same to the network.
  if (url.hostname === '' || url.hostname.endsWith('.') || !/^\/(?:v[12]\/?)?$/.test(url.pathname)) return null
  return hubNames.has(url.hostname) && url.port === '' ? `https://${HUB}` : url.origin
}

/** What a docker configuration has to call a server: where only a location of Google's was given, its host. */
export function pullServer(server: string): string {
  return googleLocation.test(server) ? `${server}-docker.pkg.dev` : server
}

const withoutCatalog =
  /^https:\/\/(?:registry-1\.docker\.io|ghcr\.io|registry\.gitlab\.com|(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev)$/

/** Whether a registry is one of those that list no repositories to anybody. */
export function hasNoCatalog(origin: string): boolean {
  return withoutCatalog.test(origin)
}

/** Whether a registry is Docker Hub, which keeps its official images under `library/` and gives no catalog. */
export function isHub(origin: string): boolean {
  return origin === `https://${HUB}`
}

/** A token service that an operator allows one registry to name: both as `host[:port]`. */
export interface AllowedRealm {
  readonly registry: string
  readonly realm: string
}

/** Whether a registry's password may be sent to the token service it names. Never over plain http where the registry itself is reached by https. */
export function isRealmAllowed(registry: URL, realm: URL, allowed: readonly AllowedRealm[]): boolean {
  if (realm.username !== '' || realm.password !== '' || realm.hash !== '') return false
  if (realm.protocol !== 'https:' && !(realm.protocol === 'http:' && registry.protocol === 'http:')) return false
  if (realm.host === registry.host) return true
  if (allowed.some((pair) => pair.registry === registry.host && pair.realm === realm.host)) return true
  return known.some(({ hosts, realms }) => hosts.test(registry.host) && realms.includes(realm.host))
}
