import { Agent, type AgentOptions } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { ProviderId } from './port.ts'

/** What the error of a connection that is not made has as its `code`; `networkFailure` makes `address-denied` of it. */
export const EGRESS_DENIED = 'EGRESS_DENIED'

/**
 * Where connections to addresses that tenants gave may lead: every driver connects through it, and nothing of the storage kit around it
 * (§4.1 of the safety design). Nothing of it follows redirects; whoever does by itself must ask anew for each.
 */
export interface Egress {
  /** Throws `StorageError('address-denied')` for an address that is not to be connected to, as far as can be told without resolving its name. */
  admit(url: URL, where: { readonly provider: ProviderId; readonly op: string }): void
  /**
   * Resolves names for sockets to this origin, so that they connect to an address that was checked; fails with the code `EGRESS_DENIED` where any of a
   * name's addresses is not to be reached. Node asks it for names only: for literal addresses there is `admit`. Undefined: nothing is guarded.
   */
  resolver(origin: URL): LookupFunction | undefined
  /** Agents for Node's own client and the providers' SDKs, whose sockets go through the same checks, literal addresses too. */
  agents(options: AgentOptions): { readonly http: Agent; readonly https: SecureAgent }
}

/** Guards nothing: for tests, and for addresses that the operator chose. */
export const openEgress: Egress = {
  admit: () => {},
  resolver: () => undefined,
  agents: (options) => ({ http: new Agent(options), https: new SecureAgent(options) }),
}
