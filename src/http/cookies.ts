import type { FastifyReply, FastifyRequest } from 'fastify'

/** What keeps a browser logged in: sent to `/session` only. */
export const RENEWAL_COOKIE = 'sluice_renewal'
/** What lets pictures and videos of a page be fetched, which can send no header: counts for routes that answer bytes, and for nothing else. */
export const BYTES_COOKIE = 'sluice_bytes'

/** The value of a cookie of a request; undefined when it has none of this name. */
export function cookieOf(request: FastifyRequest, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const mark = pair.indexOf('=')
    if (mark > 0 && pair.slice(0, mark).trim() === name) return pair.slice(mark + 1).trim()
  }
  return undefined
}

/**
 * Gives a browser a cookie that ends with it: no script reads it, no other site makes the browser send it. An empty value takes it away.
 *
 * Values are tokens and need no escaping.
 */
export function setCookie(
  reply: FastifyReply,
  { name, value, path, isSecure }: { name: string; value: string; path: string; isSecure: boolean },
): void {
  const ends = value === '' ? '; Max-Age=0' : ''
  reply.header(
    'set-cookie',
    `${name}=${value}; Path=${path}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}${ends}`,
  )
}
