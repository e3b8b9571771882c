import { Agent, type AgentOptions } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import type { LookupFunction } from 'node:net'

/**
 * Where connections to addresses that tenants gave may lead: every driver connects through it, and nothing of the storage kit around it
 * (§4.1 of the safety design).
 */
export interface Egress {
  /** Throws `StorageError('address-denied')` for an address that is not to be connected to, as far as can be told without resolving its name. */
  admit(url: URL): void
  /** Resolves a name for a socket; fails with the code `EGRESS_DENIED` where any of its addresses is not to be reached. Undefined: nothing is guarded. */
  readonly lookup: LookupFunction | undefined
  /** Agents for Node's own client and the providers' SDKs, whose sockets go through the same checks, literal addresses too. */
  agents(options: AgentOptions): { readonly http: Agent; readonly https: SecureAgent }
}

/** Guards nothing: for tests and tools that choose the addresses themselves. */
export const openEgress: Egress = {
  admit: () => {},
  lookup: undefined,
  agents: (options) => ({ http: new Agent(options), https: new SecureAgent(options) }),
}
