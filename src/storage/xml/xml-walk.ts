import { BadAnswer, malformedAnswer } from '../http/failures.ts'

/** Bytes that the scanner looks for by name too. */
export const LT = 60
export const AMP = 38
export const QUOTE = 34
const GT = 62
const QUESTION = 63
const SLASH = 47
const APOSTROPHE = 39

// What stops a walk over bytes, by byte: 1 the next tag, 2 something that must be decoded. One look-up a byte is the scanner's whole cost.
/** Stops for plain XML text: `<` and `&`. For the scanner. */
export const stopsText = new Uint8Array(256)
stopsText[LT] = 1
stopsText[AMP] = 2
/** Stops for text that is percent-encoded besides: `%` and `+` too. For the scanner. */
export const stopsUrlText = Uint8Array.from(stopsText)
stopsUrlText[37] = 2
stopsUrlText[43] = 2
// What ends a tag's name: white space, `/`, `>`, and `<` because a name cut short runs into the end mark.
const stopsName = new Uint8Array(256)
for (const byte of [0, 9, 10, 13, 32, SLASH, GT, LT]) stopsName[byte] = 1
const isSpace = new Uint8Array(256)
for (const byte of [9, 10, 13, 32]) isSpace[byte] = 1

const DEPTH_MAX = 16

/**
 * Steps over XML in a buffer without making strings: tags, leaves, whole elements to skip. For the drivers' scanners, which give the steps a meaning.
 *
 * Every step checks what it steps over (each closing tag must name what it closes) and throws `BadAnswer` when it does not
 * fit. Comments, CDATA and document types are refused: no storage writes them, and they are ways to hide things. A "place" is an index
 * into the buffer.
 */
export class XmlWalk {
  protected readonly bytes: Buffer
  protected readonly lengthBytes: number
  /** Where the text of the leaf just read began and ended, and whether nothing in it needs decoding. */
  protected textStart = 0
  protected textEnd = 0
  protected isPlain = true

  /** `bytes` must have two bytes of room behind `lengthBytes`. */
  constructor(bytes: Buffer, lengthBytes: number) {
    this.bytes = bytes
    this.lengthBytes = lengthBytes
    // The end mark: whatever walks too far meets `<` and then a byte that begins no name, and fails there. Bytes of an earlier page follow.
    bytes[lengthBytes] = LT
    bytes[lengthBytes + 1] = 0
  }

  /** Reads a leaf's text and its closing tag; gives the place after it. */
  protected leaf(nameStart: number, nameEnd: number, openEnd: number, stops: Uint8Array): number {
    const bytes = this.bytes
    let at = openEnd
    let stop = stops[bytes[at]!]!
    while (stop === 0) stop = stops[bytes[++at]!]!
    this.isPlain = stop === 1
    while (bytes[at] !== LT) at++
    this.textStart = openEnd
    this.textEnd = at
    return this.closeLike(nameStart, nameEnd, at)
  }

  /** Skips what is left of an element and everything inside it. */
  protected skip(nameStart: number, nameEnd: number, openEnd: number): number {
    const bytes = this.bytes
    const open = [nameStart, nameEnd]
    let at = openEnd
    while (open.length > 0) {
      while (bytes[at] !== LT) at++
      if (bytes[at + 1] === SLASH) {
        const end = open.pop()!
        at = this.closeLike(open.pop()!, end, at)
      } else {
        const innerStart = at + 1
        const innerEnd = this.nameEnd(innerStart)
        at = this.openEnd(innerEnd)
        if (at < 0) at = -at
        else if (open.push(innerStart, innerEnd) > 2 * DEPTH_MAX) throw malformedAnswer('it is nested too deep')
      }
    }
    return at
  }

  protected closeLike(nameStart: number, nameEnd: number, at: number): number {
    const bytes = this.bytes
    if (bytes[at + 1] !== SLASH) throw malformed()
    let to = at + 2
    for (let from = nameStart; from < nameEnd; from++, to++) if (bytes[from] !== bytes[to]) throw malformed()
    return this.closeEnd(to)
  }

  /** Reads a closing tag whose name, which begins at `nameStart`, must be this one. */
  protected closeOf(name: Uint8Array, nameStart: number): number {
    const nameEnd = nameStart + name.length
    if (!isName(this.bytes, nameStart, nameEnd, name)) throw malformed()
    return this.closeEnd(nameEnd)
  }

  protected closeEnd(from: number): number {
    const at = this.bytes[from] === GT ? from : this.skipSpace(from)
    if (this.bytes[at] !== GT) throw malformed()
    return at + 1
  }

  protected nameEnd(nameStart: number): number {
    const bytes = this.bytes
    let at = nameStart
    while (stopsName[bytes[at]!] === 0) at++
    if (at === nameStart) throw malformed()
    return at
  }

  /** The place after an opening tag whose name ended at `from`; negative where the element is empty (`<a/>`). */
  protected openEnd(from: number): number {
    const bytes = this.bytes
    if (bytes[from] === GT) return from + 1
    let at = from
    let quote = 0
    for (; at < this.lengthBytes; at++) {
      const byte = bytes[at]!
      if (quote !== 0) {
        if (byte === quote) quote = 0
      } else if (byte === QUOTE || byte === APOSTROPHE) {
        quote = byte
      } else if (byte === GT) {
        return bytes[at - 1] === SLASH ? -(at + 1) : at + 1
      } else if (byte === LT) {
        break
      }
    }
    throw malformed()
  }

  protected skipSpace(from: number): number {
    let at = from
    while (at < this.lengthBytes && isSpace[this.bytes[at]!] === 1) at++
    return at
  }

  protected toTag(from: number): number {
    const at = this.skipSpace(from)
    if (this.bytes[at] !== LT) throw malformed()
    return at
  }

  /** The leaf just read, as a number of bytes. */
  protected wholeNumber(): number {
    const end = this.textEnd
    let value = 0
    for (let at = this.textStart; at < end; at++) {
      const digit = this.bytes[at]! - 48
      if (digit < 0 || digit > 9) throw malformedAnswer('a size is no number')
      value = value * 10 + digit
    }
    if (end === this.textStart || value > Number.MAX_SAFE_INTEGER) throw malformedAnswer('a size is no number')
    return value
  }

  /** Steps over what may stand before the root element; an answer without one is no storage's. */
  protected skipProlog(): number {
    const bytes = this.bytes
    const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
    let at = this.skipSpace(hasMark ? 3 : 0)
    if (at >= this.lengthBytes) throw notAStorage('with nothing')
    if (bytes[at] !== LT) throw notAStorage('with something that is not XML')
    if (bytes[at + 1] === QUESTION) {
      const end = bytes.indexOf('?>', at, 'latin1')
      if (end < 0 || end >= this.lengthBytes - 1) throw malformed()
      at = this.skipSpace(end + 2)
      if (bytes[at] !== LT || at >= this.lengthBytes) throw malformed()
    }
    return at
  }

  /** What an answer is whose root element has another name than was asked for. */
  protected wrongRoot(nameStart: number, nameEnd: number): Error {
    const name = this.bytes.toString('latin1', nameStart, nameEnd).toLowerCase()
    const isPage = name.startsWith('html') || name.startsWith('!')
    return isPage ? notAStorage('with a web page') : malformedAnswer('it is an answer to something else')
  }
}

/** Whether a name stands exactly at a place of the buffer. For the scanner. */
export function isName(bytes: Buffer, start: number, end: number, name: Uint8Array): boolean {
  const length = name.length
  if (end - start !== length) return false
  for (let i = 0; i < length; i++) if (bytes[start + i] !== name[i]) return false
  return true
}

/** The name as bytes, for `isName`. */
export function nameBytes(name: string): Uint8Array {
  return Uint8Array.from(Buffer.from(name, 'latin1'))
}

/** The failure of everything that is not well-formed to its last byte. */
export function malformed(): Error {
  return malformedAnswer('it is cut short or malformed')
}

function notAStorage(what: string): Error {
  const message = `The address answered ${what} where a storage answers a listing; check the endpoint and its port.`
  return new BadAnswer(message, 'not-a-storage')
}
