import type { BlockList } from 'node:net'
import type { EgressRule } from '#config/egress-rules.ts'
import type { OwnServices } from './own-services.ts'
import { allFaces, blockList, isIn, isMetadata, isPublic } from './special-addresses.ts'

/** Why a connection is not made; for the operator's log, never for tenants. */
export type EgressRefusal =
  | 'scheme'
  | 'user in the address'
  | 'cloud metadata'
  | 'a service of our own'
  | 'not a public address'
  | 'port'
  | 'plain http'

/** What the operator said of connections to addresses that tenants give. */
export interface EgressSettings {
  /** What may be reached although it is not public; plain http is fine there too. */
  readonly allow: readonly EgressRule[]
  /** Ports of public addresses. */
  readonly ports: readonly number[]
  /** Whether public addresses may be spoken to without TLS. */
  readonly isHttpAllowed: boolean
}

/** A connection that somebody wants: `host` as it was given, and one of the addresses it resolves to. */
export interface EgressTarget {
  readonly host: string
  readonly address: string
  readonly port: number
  readonly isSecure: boolean
}

interface NetRule {
  readonly block: BlockList
  readonly isExact: boolean
  readonly port: number | null
}

/** Judges single addresses by the operator's settings. For `egress-guard.ts`, which asks it of every address of a name. */
export class EgressPolicy {
  readonly #nets: readonly NetRule[]
  readonly #names: readonly { readonly name: string; readonly port: number | null }[]
  readonly #ports: ReadonlySet<number>
  readonly #isHttpAllowed: boolean
  readonly #own: OwnServices

  constructor({ allow, ports, isHttpAllowed }: EgressSettings, own: OwnServices) {
    this.#nets = allow.flatMap((rule) =>
      rule.kind !== 'net'
        ? []
        : [
            {
              block: blockList([[rule.address, rule.prefix]]),
              isExact: rule.prefix === (rule.family === 'ipv4' ? 32 : 128),
              port: rule.port,
            },
          ],
    )
    this.#names = allow.flatMap((rule) => (rule.kind === 'name' ? [rule] : []))
    this.#ports = new Set(ports)
    this.#isHttpAllowed = isHttpAllowed
    this.#own = own
  }

  /** Why a name is not even resolved; null where its addresses have to be looked at. */
  refusalOfName(host: string, port: number): EgressRefusal | null {
    return isMetadata(host) && !this.#allowsName(host, port) ? 'cloud metadata' : null
  }

  /** Why a connection is not made; null where it may be. */
  refusal(target: EgressTarget): EgressRefusal | null {
    const { host, port, isSecure } = target
    const faces = allFaces(target.address)
    // What gives credentials away or is ourselves is meant only where it is named itself: a range that happens to hold it does not say so.
    if (
      faces.some(isMetadata) &&
      !this.#isNamed(faces, port, false) &&
      !(isMetadata(host) && this.#allowsName(host, port))
    )
      return 'cloud metadata'
    if (this.#own.has(faces, host, port) && !this.#isNamed(faces, port, true) && !this.#allowsName(host, port, true))
      return 'a service of our own'
    if (this.#allows(faces, port) || this.#allowsName(host, port)) return null
    if (!isPublic(target.address)) return 'not a public address'
    if (!this.#ports.has(port)) return 'port'
    return isSecure || this.#isHttpAllowed ? null : 'plain http'
  }

  /** Whether the list holds an address; what is written into a translated one must be in it too, or public. */
  #allows(faces: readonly string[], port: number): boolean {
    return faces.every(
      (face, index) =>
        this.#nets.some((rule) => fits(rule, port) && isIn(rule.block, face)) || (index > 0 && isPublic(face)),
    )
  }

  /** Whether the list names exactly this address, and where `withPort` is true also its port. */
  #isNamed(faces: readonly string[], port: number, withPort: boolean): boolean {
    return this.#nets.some(
      (rule) =>
        rule.isExact &&
        (withPort ? rule.port === port : fits(rule, port)) &&
        faces.some((face) => isIn(rule.block, face)),
    )
  }

  #allowsName(host: string, port: number, withPort = false): boolean {
    const name = host.toLowerCase().replace(/\.$/, '')
    return this.#names.some((rule) => rule.name === name && (withPort ? rule.port === port : fits(rule, port)))
  }
}

function fits(rule: { readonly port: number | null }, port: number): boolean {
  return rule.port === null || rule.port === port
}
