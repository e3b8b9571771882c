import { createHash, randomBytes } from 'node:crypto'

/** 256 bits, so that nobody guesses one, not even from a hash that is quick to compute. */
const TOKEN_BYTES = 32

/** A new token for a link that works once, as base64url. It stands in the link alone; what is kept is its hash. */
export function makeLinkToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/** What is kept of a link's token, and what a given one is looked up by: its SHA-256. */
export function hashLinkToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
