import { malformedAnswer } from '../http/failures.ts'

const AMP = 38
const HASH = 35
const PERCENT = 37
const PLUS = 43
const SEMICOLON = 59
const SPACE = 32
const LETTER_X = 120

// `&quot;` is the longest named one, `&#x10FFFF;` the longest numeric one; leading zeros are given some room.
const ENTITY_BYTES_MAX = 16

const named = new Map<string, number>([
  ['amp', 38],
  ['lt', 60],
  ['gt', 62],
  ['quot', 34],
  ['apos', 39],
])

/** Decodes the XML entities of `bytes[start, end)` in place and gives the new end. What it decodes to is never longer. Throws on an unknown one. */
export function decodeEntities(bytes: Buffer, start: number, end: number): number {
  let from = bytes.indexOf(AMP, start)
  if (from < 0 || from >= end) return end
  let to = from
  while (from < end) {
    const byte = bytes[from]!
    if (byte !== AMP) {
      bytes[to++] = byte
      from++
      continue
    }
    let stop = from + 1
    while (stop < end && bytes[stop] !== SEMICOLON && stop - from < ENTITY_BYTES_MAX) stop++
    if (stop >= end || bytes[stop] !== SEMICOLON) throw malformedAnswer('it has an entity without an end')
    to = writeCodePoint(bytes, to, codePointOf(bytes, from + 1, stop))
    from = stop + 1
  }
  return to
}

/** Decodes `bytes[start, end)` in place, exactly once, and gives the new end: `%xx` is a byte, and `+` a space unless told otherwise. */
export function decodeUrl(bytes: Buffer, start: number, end: number, plus: number = SPACE): number {
  let to = start
  for (let from = start; from < end; ) {
    const byte = bytes[from]!
    if (byte === PERCENT) {
      const high = from + 2 < end ? hexDigit(bytes[from + 1]!) : -1
      const low = from + 2 < end ? hexDigit(bytes[from + 2]!) : -1
      if (high < 0 || low < 0) throw malformedAnswer('a key is not encoded as it says')
      bytes[to++] = high * 16 + low
      from += 3
    } else {
      bytes[to++] = byte === PLUS ? plus : byte
      from++
    }
  }
  return to
}

function codePointOf(bytes: Buffer, start: number, end: number): number {
  if (bytes[start] !== HASH) {
    const code = named.get(bytes.toString('latin1', start, end))
    if (code === undefined) throw malformedAnswer('it has an unknown entity')
    return code
  }
  const isHex = bytes[start + 1] === LETTER_X
  const digits = bytes.toString('latin1', start + (isHex ? 2 : 1), end)
  const code = (isHex ? /^[0-9a-fA-F]+$/ : /^[0-9]+$/).test(digits) ? Number.parseInt(digits, isHex ? 16 : 10) : -1
  if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    throw malformedAnswer('it has an entity that is no character')
  }
  return code
}

function writeCodePoint(bytes: Buffer, at: number, code: number): number {
  let to = at
  if (code < 0x80) {
    bytes[to++] = code
  } else if (code < 0x800) {
    bytes[to++] = 0xc0 | (code >> 6)
    bytes[to++] = 0x80 | (code & 0x3f)
  } else if (code < 0x10000) {
    bytes[to++] = 0xe0 | (code >> 12)
    bytes[to++] = 0x80 | ((code >> 6) & 0x3f)
    bytes[to++] = 0x80 | (code & 0x3f)
  } else {
    bytes[to++] = 0xf0 | (code >> 18)
    bytes[to++] = 0x80 | ((code >> 12) & 0x3f)
    bytes[to++] = 0x80 | ((code >> 6) & 0x3f)
    bytes[to++] = 0x80 | (code & 0x3f)
  }
  return to
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
