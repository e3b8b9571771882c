import { isIP } from 'node:net'

/** One entry of `SLUICE_EGRESS_ALLOW`: addresses or a name that tenants' storages may have although they are not public, at one port or at all. */
export type EgressRule = (
  | { readonly kind: 'net'; readonly address: string; readonly family: 'ipv4' | 'ipv6'; readonly prefix: number }
  | { readonly kind: 'name'; readonly name: string }
) & { readonly port: number | null }

/** What an entry may look like, for the message of a wrong one. */
const FORM =
  'Give addresses such as 10.0.0.5, 10.1.0.0/16:9000, [fd00::]/8, [fd00::5]:9000 or minio.lan:9000, separated by commas, or “none”.'

const namePattern = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/** Parses the operator's list; throws an `Error` whose message says which entry is wrong. `none` and nothing are the empty list. */
export function parseEgressRules(text: string): readonly EgressRule[] {
  if (text.trim() === 'none') return []
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean)
    .map((entry) => {
      const rule = parseRule(entry)
      if (rule === null) throw new Error(`“${entry}” is no address that can be allowed. ${FORM}`)
      return rule
    })
}

/** The addresses that only this machine reaches. */
export const loopbackRules: readonly EgressRule[] = [
  { kind: 'net', address: '127.0.0.0', family: 'ipv4', prefix: 8, port: null },
  { kind: 'net', address: '::1', family: 'ipv6', prefix: 128, port: null },
]

/** Whether a host, as in an address or a setting, is this machine and reached from it alone. */
export function isLoopbackHost(host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, '').toLowerCase()
  return plain === 'localhost' || plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'))
}

function parseRule(entry: string): EgressRule | null {
  // An IPv6 address with a port, or a length, has brackets; bare, its colons are its own.
  const bracketed = /^\[([0-9a-f:.]+)\](?:\/(\d{1,3}))?(?::(\d{1,5}))?$/i.exec(entry)
  if (bracketed !== null) return netRule(bracketed[1]!, 'ipv6', bracketed[2], bracketed[3])
  const bare = /^([0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*)(?:\/(\d{1,3}))?$/i.exec(entry)
  if (bare !== null) return netRule(bare[1]!, 'ipv6', bare[2], undefined)
  const plain = /^([^/:]+)(?:\/(\d{1,2}))?(?::(\d{1,5}))?$/.exec(entry)
  if (plain === null) return null
  const [, host = '', prefix, port] = plain
  if (/^[\d.]+$/.test(host)) return netRule(host, 'ipv4', prefix, port)
  const name = host.toLowerCase().replace(/\.$/, '')
  const number = portOf(port)
  return prefix === undefined && namePattern.test(name) && number !== undefined
    ? { kind: 'name', name, port: number }
    : null
}

function netRule(
  address: string,
  family: 'ipv4' | 'ipv6',
  prefixText: string | undefined,
  portText: string | undefined,
): EgressRule | null {
  const bits = family === 'ipv4' ? 32 : 128
  const prefix = prefixText === undefined ? bits : Number(prefixText)
  const port = portOf(portText)
  if (isIP(address) !== (family === 'ipv4' ? 4 : 6) || prefix > bits || port === undefined) return null
  return { kind: 'net', address, family, prefix, port }
}

/** Null: none was given. Undefined: it is none. */
function portOf(text: string | undefined): number | null | undefined {
  if (text === undefined) return null
  const port = Number(text)
  return port >= 1 && port <= 65_535 ? port : undefined
}
