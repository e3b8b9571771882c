import { BlockList, isIP } from 'node:net'

/**
 * Addresses that are not globally reachable unicast. Of IPv6 nothing outside of 2000::/3 is, so those of the mapped (::ffff:0:0/96), translated
 * (64:ff9b::/96), unique local, link-local and multicast forms need no line of their own.
 * Source: https://www.iana.org/assignments/iana-ipv4-special-registry and https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const notPublic = blockList([
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carriers' address translation
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, where clouds have their metadata
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // former 6to4 relays
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, with the broadcast address
  ['2001::', 23], // protocol assignments: Teredo, ORCHID, benchmarks
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4: an IPv4 address in disguise
  ['3fff::', 20], // documentation
  ['5f00::', 16], // segment routing
])

const ipv6Unicast = blockList([['2000::', 3]])

/** Where clouds hand the credentials of their own machines to whoever asks from inside. */
const metadata = blockList([
  ['169.254.0.0', 16], // AWS, Google, Azure, Oracle; 169.254.170.2 and .23 for containers
  ['168.63.129.16', 32], // Azure's wire server
  ['100.100.100.200', 32], // Alibaba
  ['192.0.0.192', 32], // Oracle's former one
  ['fd00:ec2::', 32], // AWS
  ['fd20:ce::254', 128], // Google
  ['fe80::', 10],
])

const metadataNames = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
])

/** A list of address blocks, each `[address, prefix length]`. */
export function blockList(blocks: readonly (readonly [address: string, prefix: number])[]): BlockList {
  const list = new BlockList()
  for (const [address, prefix] of blocks) list.addSubnet(address, prefix, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return list
}

/** Whether an address is in a list; of a mapped one (`::ffff:10.0.0.1`) the IPv4 address counts as well. */
export function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** Whether an address can be met on the public internet, and is one machine's. */
export function isPublic(address: string): boolean {
  const family = isIP(address)
  if (family === 0 || isIn(notPublic, address)) return false
  return family === 4 || isIn(ipv6Unicast, address)
}

/** Whether an address or name is a cloud's metadata service. */
export function isMetadata(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  return isIP(name) === 0 ? metadataNames.has(name) : isIn(metadata, name)
}

/**
 * The addresses that a connection to an address may come out at: itself, and the IPv4 address that is written into it where it is a mapped,
 * translated (NAT64) or 6to4 one.
 */
export function allFaces(address: string): readonly string[] {
  const plain = address.replace(/%.*$/, '')
  if (isIP(plain) !== 6) return [plain]
  const groups = groupsOf(plain)
  const dotted = (high: number, low: number) => [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const startsWith = (...first: number[]) => first.every((group, index) => groups[index] === group)
  const [, second = 0, third = 0] = groups
  if (startsWith(0, 0, 0, 0, 0, 0xffff) || startsWith(0x64, 0xff9b)) return [plain, dotted(groups[6]!, groups[7]!)]
  return startsWith(0x2002) ? [plain, dotted(second, third)] : [plain]
}

/** The eight numbers of an IPv6 address; the URL parser brings every spelling into one without dots. */
function groupsOf(address: string): number[] {
  const [before = '', after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const numbers = (text: string) =>
    text
      .split(':')
      .filter(Boolean)
      .map((group) => Number.parseInt(group, 16))
  const [head, tail] = [numbers(before), numbers(after ?? '')]
  return after === undefined ? head : [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}
