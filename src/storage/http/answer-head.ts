import { malformedAnswer } from './failures.ts'

/** What the head of an HTTP answer says, as far as a listing needs it; for `answer-parser.ts` and who reads answers through it. */
export interface AnswerHead {
  /** 100 to 599. */
  readonly status: number
  /** How the end of the body is told; `none` where the status allows no body. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  /** The body's length where it is told beforehand. */
  readonly bodyBytes: number | undefined
  /** Whether the connection may be used again once the body has ended. */
  readonly isKeptAlive: boolean
  /** The header fields by their names in small letters; for what a provider says beside its answer. */
  readonly fields: ReadonlyMap<string, string>
}

const TAB = 0x09
const SPACE = 0x20

const statusLine = /^HTTP\/1\.([01]) ([1-5][0-9][0-9])(?: [^\x00-\x08\x0a-\x1f\x7f]*)?$/
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const control = /[\x00-\x08\x0a-\x1f\x7f]/
// No listing is near 10^15 bytes, and up to there numbers are exact.
const lengthOf = /^[0-9]{1,15}$/

/**
 * Reads a status line and its header lines, in latin1, with or without the empty line behind them.
 *
 * Throws `BadAnswer` for anything but clean HTTP/1.0 or 1.1, and for framing that can be read in two ways: what stands between us
 * and the storage may read it the other way, and then answers get mixed up (RFC 9112 §6.3, §11.2).
 */
export function parseHead(block: string): AnswerHead {
  const lines = block.split('\r\n')
  const first = statusLine.exec(lines[0]!)
  if (first === null) throw malformedAnswer('its status line is malformed')
  const status = Number(first[2])
  const isOld = first[1] === '0'
  const fields = fieldsOf(lines)
  const length = fields.get('content-length')
  const coding = fields.get('transfer-encoding')
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') throw malformedAnswer('it is sent in a coding that nobody asked for')
    if (length !== undefined || isOld) throw malformedAnswer('where it ends is told in two ways')
  }
  if (length !== undefined && !lengthOf.test(length)) throw malformedAnswer('its length is no number')
  const hasBody = status >= 200 && status !== 204 && status !== 304
  const framing = !hasBody ? 'none' : coding !== undefined ? 'chunked' : length !== undefined ? 'length' : 'close'
  const wishes = (fields.get('connection') ?? '').toLowerCase().split(/[ \t]*,[ \t]*/)
  return {
    status,
    framing,
    bodyBytes: framing === 'none' ? 0 : framing === 'length' ? Number(length) : undefined,
    isKeptAlive: framing !== 'close' && !wishes.includes('close') && (!isOld || wishes.includes('keep-alive')),
    fields,
  }
}

/** Checks the header lines behind the last chunk: they must be clean, and nothing in them counts (RFC 9110 §6.5.1). For `answer-parser.ts`. */
export function checkTrailers(block: string): void {
  fieldsOf(block.split('\r\n'))
}

/** Values by name in lower case; the first line is not looked at. Several `Connection` lines are one list, of other names the first line counts. */
function fieldsOf(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>()
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!
    if (line === '') continue
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase()
    // A line that begins with a blank would go on with the one before (obs-fold); it fails here, having no name.
    if (!token.test(name)) throw malformedAnswer('a header line is malformed')
    const value = trimmed(line, colon + 1)
    if (control.test(value)) throw malformedAnswer('a header line is malformed')
    const before = fields.get(name)
    if (before === undefined) fields.set(name, value)
    else if (name === 'connection') fields.set(name, `${before},${value}`)
    else if (name === 'transfer-encoding' || (name === 'content-length' && before !== value))
      throw malformedAnswer('where it ends is told in two ways')
  }
  return fields
}

/** By hand, because `trim` also takes off what is no blank in HTTP, and a regular expression takes quadratic time for 64 KiB of blanks. */
function trimmed(line: string, from: number): string {
  let start = from
  let end = line.length
  while (start < end && isBlank(line.charCodeAt(start))) start++
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--
  return line.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}
