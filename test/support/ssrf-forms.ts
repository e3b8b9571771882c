// Spellings of addresses that are not to be connected to, for the tests of the egress guard (T16 of the safety design).

/** IPv4 addresses that no tenant's storage has: loopback, private, shared, link-local, metadata, documentation, benchmarks, multicast, reserved. */
export const insideIPv4 = [
  '127.0.0.1',
  '127.0.0.2',
  '127.255.255.254',
  '0.0.0.0',
  '0.0.0.7',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.1',
  '100.100.100.200',
  '100.127.255.255',
  '168.63.129.16',
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.0.1',
  '192.168.255.255',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
] as const

/** The same of IPv6. */
export const insideIPv6 = [
  '::',
  '::1',
  '::2',
  'fe80::1',
  'fec0::1',
  'fc00::1',
  'fd00::1',
  'fd00:ec2::254',
  'fd20:ce::254',
  'ff02::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2001:2::1',
  '2001:10::1',
  '3fff::1',
  '5f00::1',
  '0:0:0:0:0:0:0:1',
  '0000:0000:0000:0000:0000:0000:0000:0001',
] as const

/** Names that clouds and machines give to what is inside. */
export const insideNames = [
  'localhost',
  'LOCALHOST',
  'localhost.',
  'metadata.google.internal',
  'Metadata.Google.Internal',
  'metadata.google.internal.',
  'metadata',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
] as const

const hex = (part: number, width = 2) => part.toString(16).padStart(width, '0')

/** Every way to write an IPv4 address into the host of a URL: the parsers of browsers, and the C library behind names, read all of them. */
export function spellingsOf(address: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  const number = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  const wide = (text: string, zero: number) =>
    text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)))
  const pairs = `${hex(a)}${hex(b)}:${hex(c)}${hex(d)}`
  return [
    address,
    `${address}.`,
    String(number),
    `0x${number.toString(16)}`,
    `0X${number.toString(16).toUpperCase()}`,
    `0${number.toString(8)}`,
    [a, b, c, d].map((part) => `0x${hex(part)}`).join('.'),
    [a, b, c, d].map((part) => `0${part.toString(8).padStart(3, '0')}`).join('.'),
    `${a}.${(b << 16) | (c << 8) | d}`,
    `${a}.${b}.${(c << 8) | d}`,
    `0x${a.toString(16)}.${b}.0${c.toString(8)}.${d}`,
    wide(address, 0xff10), // full-width digits
    wide(address, 0x1d7ce), // mathematical digits
    address.replaceAll('.', '。'),
    address.replaceAll('.', '．'),
    address.replaceAll('1', '%31').replaceAll('0', '%30'),
    `[::ffff:${address}]`,
    `[::ffff:${pairs}]`,
    `[0:0:0:0:0:ffff:${pairs}]`,
    `[::${pairs}]`,
    `[64:ff9b::${pairs}]`,
    `[64:ff9b::${address}]`,
    `[2002:${pairs}::]`,
    `[2002:${pairs}::1]`,
  ]
}

/** All hosts of the above in every spelling. */
export const insideHosts: readonly string[] = [
  ...insideIPv4.flatMap(spellingsOf),
  ...insideIPv6.map((address) => `[${address}]`),
  ...insideNames,
]
