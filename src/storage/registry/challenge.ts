/** One way to log in that a registry offers with status 401. */
export interface Challenge {
  /** In small letters: `basic`, `bearer`, … */
  readonly scheme: string
  readonly params: ReadonlyMap<string, string>
}

/** Longest header that is looked at, in characters. */
const HEADER_CHARS_MAX = 8192

const scheme = /[\t ,]*([A-Za-z][A-Za-z0-9!#$%&'*+\-.^_`|~]*)(?:[\t ]+|(?=[\t ]*(?:,|$)))/y
const param =
  /[\t ,]*([A-Za-z0-9!#$%&'*+\-.^_`|~]+)[\t ]*=[\t ]*(?:"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\t\x20-\x7e\x80-\xff])*)"|([A-Za-z0-9!#$%&'*+\-.^_`|~:/]+))/y

/**
 * Reads `WWW-Authenticate` (RFC 9110 §11.6.1): several challenges may stand in one header, with quoted values. What cannot be read ends the reading;
 * the challenges before it count. Of a parameter that is given twice the first counts.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = []
  if (header.length > HEADER_CHARS_MAX) return challenges
  let at = 0
  while (at < header.length) {
    scheme.lastIndex = at
    const found = scheme.exec(header)
    if (found === null) break
    at = scheme.lastIndex
    const params = new Map<string, string>()
    for (;;) {
      param.lastIndex = at
      const pair = param.exec(header)
      if (pair === null) break
      at = param.lastIndex
      const name = pair[1]!.toLowerCase()
      if (!params.has(name)) params.set(name, pair[2]?.replace(/\\(.)/g, '$1') ?? pair[3]!)
    }
    challenges.push({ scheme: found[1]!.toLowerCase(), params })
  }
  return challenges
}
