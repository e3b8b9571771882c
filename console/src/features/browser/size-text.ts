const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  byte: 1,
  bytes: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  pb: 1e15,
}

/** Bytes that somebody typed as `1.5 MB`, `300kb` or `12`; in units of a thousand, as sizes are shown: `12 bytes`. Null for what is no size. */
export function parseSize(text: string): number | null {
  const match = /^\s*(\d+(?:[.,]\d+)?)\s*(bytes?|[kmgtp]?b)?\s*$/i.exec(text)
  if (match === null) return null
  return Math.round(Number(match[1]!.replace(',', '.')) * UNITS[(match[2] ?? 'b').toLowerCase()]!)
}
