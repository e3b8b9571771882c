import { networkInterfaces } from 'node:os'
import { blockList, isIn } from './special-addresses.ts'

const loopback = blockList([
  ['127.0.0.0', 8],
  ['0.0.0.0', 32],
  ['::1', 128],
  ['::', 128],
])

/**
 * The places where this server and its database listen: no tenant's storage is there. Filled at start; for the egress policy.
 */
export class OwnServices {
  readonly #localPorts = new Set<number>()
  readonly #places = new Set<string>()

  /** A port that is listened on by this machine, at whatever address of it. */
  addLocalPort(port: number): void {
    this.#localPorts.add(port)
  }

  /** A service of ours elsewhere: a name or an address, and its port. */
  add(host: string, port: number): void {
    this.#places.add(`${host.toLowerCase()} ${port}`)
  }

  /** Whether a connection would come out at one of them; `faces` are the addresses it may come out at, `host` how it was called. */
  has(faces: readonly string[], host: string, port: number): boolean {
    if ([host.toLowerCase().replace(/\.$/, ''), ...faces].some((place) => this.#places.has(`${place} ${port}`)))
      return true
    return this.#localPorts.has(port) && faces.some(isThisMachine)
  }
}

/** Whether an address is one of the machine that this process runs on. */
export function isThisMachine(address: string): boolean {
  if (isIn(loopback, address)) return true
  return Object.values(networkInterfaces()).some((some) => some?.some((one) => one.address === address))
}
