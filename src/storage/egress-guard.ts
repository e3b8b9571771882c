import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { Agent, type AgentOptions } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { EGRESS_DENIED, type Egress } from './egress.ts'
import type { EgressPolicy, EgressRefusal } from './egress-policy.ts'
import { failureOf } from './http/failures.ts'

/** All addresses of a name. Errors are those of the system: `ENOTFOUND` and its like. */
export type ResolveName = (name: string) => Promise<readonly LookupAddress[]>

/** What was refused, for the operator's log. */
export interface EgressNote {
  readonly host: string
  readonly port: number
  readonly reason: EgressRefusal
}

/** What the guard is made of; `resolve` asks the system unless a test brings its own. */
export interface EgressGuardOptions {
  readonly policy: EgressPolicy
  readonly resolve?: ResolveName
  /** Told of each connection that is not made. Not for tenants: the reason says what is inside. */
  readonly onRefused?: (note: EgressNote) => void
}

interface Origin {
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
}

/**
 * The guard before every connection to an address that a tenant gave: connects to public addresses by https, to others as far as the operator allowed
 * them, and to no metadata service and none of our own (§4.1 of the safety design). For `deps.ts`.
 *
 * A name is resolved once for each connection, all of its addresses are judged, one bad one refuses the name, and the socket gets the very addresses that
 * were judged: a name that changes its mind between two look-ups gains nothing.
 */
export function guardedEgress(options: EgressGuardOptions): Egress {
  const guard = new Guard(options)
  return {
    admit(url, where) {
      if (guard.refusalOf(url) !== null) throw failureOf('address-denied', where)
    },
    resolver: (url) => guard.resolver(originOf(url)),
    agents: (agentOptions) => ({
      http: new GuardedAgent(agentOptions, guard),
      https: new GuardedSecureAgent(agentOptions, guard),
    }),
  }
}

class Guard {
  readonly #policy: EgressPolicy
  readonly #resolve: ResolveName
  readonly #onRefused: (note: EgressNote) => void

  constructor({ policy, resolve = resolveBySystem, onRefused = () => {} }: EgressGuardOptions) {
    this.#policy = policy
    this.#resolve = resolve
    this.#onRefused = onRefused
  }

  /** What can be told without resolving a name. */
  refusalOf(url: URL): EgressRefusal | null {
    const origin = originOf(url)
    const reason = this.#plainRefusal(url, origin)
    if (reason !== null) this.#onRefused({ host: origin.host, port: origin.port, reason })
    return reason
  }

  resolver(origin: Origin): LookupFunction {
    return (name, options, callback) => {
      this.#addresses({ ...origin, host: name }).then(
        (addresses) => {
          const wanted = familyOf(options.family)
          const fitting = addresses.filter(({ family }) => wanted === 0 || family === wanted)
          const [first] = fitting
          if (first === undefined) callback(notFound(name), '', 0)
          else if (options.all === true) callback(null, [...fitting])
          else callback(null, first.address, first.family)
        },
        (error: NodeJS.ErrnoException) => callback(error, '', 0),
      )
    }
  }

  /** The error a socket is not made for; null where the resolver says the rest. */
  denialOfSocket(origin: Origin, isPath: boolean): Error | null {
    if (isPath) return this.#denied(origin, 'scheme')
    if (isIP(origin.host) === 0) return null
    const reason = this.#policy.refusal({ ...origin, address: origin.host })
    return reason === null ? null : this.#denied(origin, reason)
  }

  #plainRefusal(url: URL, origin: Origin): EgressRefusal | null {
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'scheme'
    if (url.username !== '' || url.password !== '') return 'user in the address'
    return isIP(origin.host) === 0
      ? this.#policy.refusalOfName(origin.host, origin.port)
      : this.#policy.refusal({ ...origin, address: origin.host })
  }

  async #addresses(origin: Origin): Promise<readonly LookupAddress[]> {
    const byName = this.#policy.refusalOfName(origin.host, origin.port)
    if (byName !== null) throw this.#denied(origin, byName)
    const addresses = await this.#resolve(origin.host)
    for (const { address } of addresses) {
      const reason = this.#policy.refusal({ ...origin, address })
      if (reason !== null) throw this.#denied(origin, reason)
    }
    return addresses
  }

  #denied({ host, port }: Origin, reason: EgressRefusal): Error {
    this.#onRefused({ host, port, reason })
    return Object.assign(new Error('this address is not to be connected to'), { code: EGRESS_DENIED })
  }
}

/** What Node's agent says of a socket it wants; its own type leaves the half of it out. */
interface SocketWish {
  readonly host?: string | null | undefined
  readonly hostname?: string | null | undefined
  readonly port?: number | string | null | undefined
  readonly socketPath?: string | null | undefined
}

type SocketCallback = Parameters<Agent['createConnection']>[1]

class GuardedAgent extends Agent {
  readonly #guard: Guard

  constructor(options: AgentOptions, guard: Guard) {
    super(options)
    this.#guard = guard
  }

  override createConnection(options: Parameters<Agent['createConnection']>[0], callback?: SocketCallback) {
    const origin = originOfSocket(options as SocketWish, false)
    const denial = this.#guard.denialOfSocket(origin, hasPath(options))
    if (denial === null)
      return super.createConnection({ ...options, lookup: this.#guard.resolver(origin) } as typeof options, callback)
    refuse(denial, callback)
    return undefined
  }
}

class GuardedSecureAgent extends SecureAgent {
  readonly #guard: Guard

  constructor(options: AgentOptions, guard: Guard) {
    super(options)
    this.#guard = guard
  }

  override createConnection(options: Parameters<SecureAgent['createConnection']>[0], callback?: SocketCallback) {
    const origin = originOfSocket(options as SocketWish, true)
    const denial = this.#guard.denialOfSocket(origin, hasPath(options))
    if (denial === null)
      return super.createConnection({ ...options, lookup: this.#guard.resolver(origin) } as typeof options, callback)
    refuse(denial, callback)
    return undefined
  }
}

/** Node's agents hand an error to their request by this call only; thrown, it would be nobody's. */
function refuse(denial: Error, callback: SocketCallback): void {
  if (callback === undefined) throw denial
  ;(callback as (error: Error) => void)(denial)
}

function hasPath(options: object): boolean {
  const { socketPath } = options as SocketWish
  return socketPath !== undefined && socketPath !== null && socketPath !== ''
}

function originOfSocket({ host, hostname, port }: SocketWish, isSecure: boolean): Origin {
  return {
    host: plainHost(host ?? hostname ?? 'localhost'),
    port: Number(port ?? (isSecure ? 443 : 80)),
    isSecure,
  }
}

function originOf(url: URL): Origin {
  const isSecure = url.protocol === 'https:'
  return { host: plainHost(url.hostname), port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port), isSecure }
}

/** Without the brackets that an IPv6 address has in a URL. */
function plainHost(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}

function familyOf(family: number | string | undefined): 0 | 4 | 6 {
  if (family === 4 || family === 'IPv4') return 4
  return family === 6 || family === 'IPv6' ? 6 : 0
}

function notFound(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${name} has no address`), {
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
    hostname: name,
  })
}

function resolveBySystem(name: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    // In the resolver's order, and all of both families: the one that is not asked for may be the one that tells.
    systemLookup(name, { all: true, order: 'verbatim' }, (error, addresses) =>
      error === null ? resolve(addresses) : reject(error),
    )
  })
}
