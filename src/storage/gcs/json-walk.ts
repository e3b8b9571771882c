import { invalidAnswer } from './fault.ts'

/** Bytes that the scanner looks for by name too. */
export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON = 0x3a
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACKET = 0x5d

const BACKSLASH = 0x5c
const LETTER_U = 0x75

/** What stops a walk over a string: its quote, an escape, and control characters, which JSON forbids there; the end mark is one. */
const stopsString = new Uint8Array(256)
for (let byte = 0; byte < 0x20; byte++) stopsString[byte] = 1
stopsString[QUOTE] = 1
stopsString[BACKSLASH] = 1

const isSpace = new Uint8Array(256)
for (const byte of [9, 10, 13, 32]) isSpace[byte] = 1

// By the byte behind the backslash: what it stands for; 0 where it stands for nothing.
const escapes = new Uint8Array(256)
for (const [letter, byte] of Object.entries({ '"': 34, '\\': 92, '/': 47, b: 8, f: 12, n: 10, r: 13, t: 9 })) {
  escapes[letter.charCodeAt(0)] = byte
}

const DEPTH_MAX = 16

/**
 * Steps over JSON in a buffer without making objects; for `scan.ts`, which gives the steps a meaning.
 *
 * As strict as RFC 8259: what is cut, or has a comma too many, throws `StorageError('invalid')`. Strings are decoded in place, so they stay bytes of the
 * buffer: an escape is never shorter than what it stands for. A "place" is an index into the buffer.
 */
export class JsonWalk {
  protected readonly bytes: Buffer
  protected readonly lengthBytes: number
  /** Where the string just read begins and ends, decoded. */
  protected textStart = 0
  protected textEnd = 0

  /** `bytes` must have a byte of room behind `lengthBytes`. */
  constructor(bytes: Buffer, lengthBytes: number) {
    this.bytes = bytes
    this.lengthBytes = lengthBytes
    // The end mark: whatever walks too far meets a byte that fits nowhere, and fails there. Bytes of an earlier page follow.
    bytes[lengthBytes] = 0
  }

  /** The first place at or after `from` that is no white space. */
  protected skipSpace(from: number): number {
    const bytes = this.bytes
    let at = from
    while (isSpace[bytes[at]!] === 1) at++
    return at
  }

  /** The place behind a byte that must come next, white space left out. */
  protected expect(from: number, byte: number): number {
    const at = this.skipSpace(from)
    if (this.bytes[at] !== byte) throw malformed()
    return at + 1
  }

  /** Behind a member or an element: true where another one follows, false at the end; `place` is behind the comma or the bracket. */
  protected hasMore(from: number, close: number): boolean {
    const at = this.skipSpace(from)
    this.place = at + 1
    const byte = this.bytes[at]
    if (byte === COMMA) return true
    if (byte !== close) throw malformed()
    return false
  }
  protected place = 0

  /** Reads the string that begins at `from`, with its quote, and gives the place behind it. */
  protected string(from: number): number {
    const bytes = this.bytes
    if (bytes[from] !== QUOTE) throw malformed()
    let at = from + 1
    while (stopsString[bytes[at]!] === 0) at++
    this.textStart = from + 1
    this.textEnd = at
    return bytes[at] === QUOTE ? at + 1 : this.#decode(at)
  }

  /** Skips a value of any kind that begins at `from`; `depth` is how many are open around it. */
  protected skip(from: number, depth = 0): number {
    const byte = this.bytes[from]
    if (byte === QUOTE) return this.string(from)
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (depth === DEPTH_MAX) throw invalidAnswer('it is nested too deep')
      return this.#skipInside(from, byte === OPEN_BRACE, depth + 1)
    }
    let end = from
    while (end < this.lengthBytes && /[-+.0-9A-Za-z]/.test(String.fromCharCode(this.bytes[end]!))) end++
    const text = this.bytes.toString('latin1', from, end)
    if (!/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)$/.test(text)) throw malformed()
    return end
  }

  #skipInside(from: number, isObject: boolean, depth: number): number {
    const close = isObject ? CLOSE_BRACE : CLOSE_BRACKET
    let at = this.skipSpace(from + 1)
    if (this.bytes[at] === close) return at + 1
    for (;;) {
      at = this.skipSpace(at)
      if (isObject) at = this.skipSpace(this.expect(this.string(at), COLON))
      at = this.skip(at, depth)
      if (!this.hasMore(at, close)) return this.place
      at = this.place
    }
  }

  /** Goes on with a string at its first byte that is not plain. */
  #decode(from: number): number {
    const bytes = this.bytes
    let to = from
    for (let at = from; ; ) {
      const byte = bytes[at]!
      if (byte === QUOTE) {
        this.textEnd = to
        return at + 1
      }
      if (byte < 0x20) throw malformed()
      if (byte !== BACKSLASH) {
        bytes[to++] = byte
        at++
      } else if (bytes[at + 1] === LETTER_U) {
        const unit = this.#unit(at + 2)
        at += 6
        let code = unit
        if (unit >= 0xd800 && unit < 0xe000) {
          // Half a pair stands for no bytes at all: a key that has one cannot be what the bucket holds.
          const low = unit < 0xdc00 && bytes[at] === BACKSLASH && bytes[at + 1] === LETTER_U ? this.#unit(at + 2) : 0
          if (low < 0xdc00 || low >= 0xe000) throw invalidAnswer('it has half a character')
          code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
          at += 6
        }
        to = writeCodePoint(bytes, to, code)
      } else {
        const plain = escapes[bytes[at + 1]!]!
        if (plain === 0) throw malformed()
        bytes[to++] = plain
        at += 2
      }
    }
  }

  #unit(at: number): number {
    let unit = 0
    for (let i = at; i < at + 4; i++) {
      const digit = hexDigit(this.bytes[i]!)
      if (digit < 0) throw malformed()
      unit = unit * 16 + digit
    }
    return unit
  }
}

/** The answer is no whole JSON. For the scanner. */
export function malformed(): Error {
  return invalidAnswer('it is cut short or malformed')
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
