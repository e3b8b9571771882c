import type { Clock } from '#lib/clock.ts'
import type { Egress } from '../egress.ts'
import { ASKED_HEADERS, EXPOSED_HEADERS } from '../policy.ts'
import type { SignedRequest } from '../port.ts'
import { type FetchedAnswer, fetchSigned } from './fetch-signed.ts'

/** What a storage answers browsers that load the console from `origin`. */
export interface CorsTrial {
  readonly ok: boolean
  /** What is missing for pages to read files, in sentences; empty when nothing is. */
  readonly missing: readonly string[]
}

/**
 * Tries whether pages of `origin` may read what a signed address gives (PM-08): asks as a browser does before (OPTIONS), then reads one byte.
 *
 * Null where nothing answers. What the bytes are does not matter, the file may be gone: rules of CORS are of the bucket. A browser is the only judge in the
 * end, which is why there is a trial for it as well.
 */
export async function tryCors(
  signed: SignedRequest,
  origin: string,
  egress: Egress,
  signal: AbortSignal,
): Promise<CorsTrial | null> {
  const asked = ASKED_HEADERS.map((name) => name.toLowerCase())
  const question = {
    origin,
    'access-control-request-method': 'GET',
    'access-control-request-headers': asked.join(','),
  }
  const before = await fetchSigned({ ...signed, headers: question }, egress, signal, 'OPTIONS')
  if (before === null) return null
  const headers = { ...signed.headers, origin, range: 'bytes=0-0' }
  const after = await fetchSigned({ ...signed, headers }, egress, signal)
  if (after === null) return null
  const missing = [...faultsBefore(before, origin, asked), ...faultsAfter(after, origin)]
  return { ok: missing.length === 0, missing }
}

function faultsBefore(answer: FetchedAnswer, origin: string, asked: readonly string[]): string[] {
  if (!isOpenTo(answer, origin)) return [`The question before the request (OPTIONS) is not allowed from ${origin}.`]
  const faults: string[] = []
  const methods = listOf(answer, 'access-control-allow-methods')
  // A plain GET needs no naming, but some services leave the header out for what they refuse.
  if (methods.length > 0 && !methods.includes('get') && !methods.includes('*'))
    faults.push('The method GET is not allowed.')
  const allowed = listOf(answer, 'access-control-allow-headers')
  const lacking = allowed.includes('*') ? [] : asked.filter((name) => !allowed.includes(name))
  if (lacking.length > 0) faults.push(`These headers may not be sent: ${lacking.join(', ')}.`)
  return faults
}

function faultsAfter(answer: FetchedAnswer, origin: string): string[] {
  if (!isOpenTo(answer, origin)) return [`The answer to GET does not let pages of ${origin} read it.`]
  const exposed = listOf(answer, 'access-control-expose-headers')
  // Readable by every page without being named: https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name
  const wanted = EXPOSED_HEADERS.map((name) => name.toLowerCase()).filter(
    (name) => name !== 'content-length' && name !== 'content-type',
  )
  const hidden = exposed.includes('*') ? [] : wanted.filter((name) => !exposed.includes(name))
  return hidden.length === 0 ? [] : [`Pages may not see these headers: ${hidden.join(', ')}.`]
}

function isOpenTo(answer: FetchedAnswer, origin: string): boolean {
  const allowed = answer.headers['access-control-allow-origin']
  return answer.status < 500 && (allowed === '*' || allowed === origin)
}

function listOf(answer: FetchedAnswer, name: string): string[] {
  return String(answer.headers[name] ?? '')
    .split(',')
    .map((one) => one.trim().toLowerCase())
    .filter((one) => one !== '')
}

/**
 * How many seconds this server's clock is ahead of the storage's (behind: less than 0), by the Date of whatever is answered at `url`, to a second or two; null
 * where it says none. Nothing is signed, so a refusal is as good an answer as any.
 */
export async function clockAhead(
  url: string,
  clock: Clock,
  egress: Egress,
  signal: AbortSignal,
): Promise<number | null> {
  const startMs = clock.now()
  const answer = await fetchSigned({ url, headers: {}, expiresAtMs: startMs }, egress, signal, 'HEAD')
  const theirsMs = Date.parse(String(answer?.headers.date ?? ''))
  if (answer === null || Number.isNaN(theirsMs)) return null
  // The header has whole seconds, cut off, and was written some time between question and answer.
  return Math.round(((startMs + clock.now()) / 2 - (theirsMs + 500)) / 1000)
}
