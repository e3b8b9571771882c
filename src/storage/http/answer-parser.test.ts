// Proves that an answer is read alike however its bytes are cut, and that none is done before its end. Malformed ones: http.test.ts.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AnswerHead } from './answer-head.ts'
import { AnswerParser, type AnswerSink } from './answer-parser.ts'

class Taken implements AnswerSink {
  head: AnswerHead | undefined
  body = Buffer.alloc(0)
  readonly wantedBytes: number

  constructor(wantedBytes = Number.POSITIVE_INFINITY) {
    this.wantedBytes = wantedBytes
  }

  begin(head: AnswerHead): void {
    expect(this.head, 'an answer begins once').toBeUndefined()
    this.head = head
  }

  take(from: Buffer, start: number, end: number): boolean {
    expect(this.head).toBeDefined()
    expect(end).toBeGreaterThan(start)
    this.body = Buffer.concat([this.body, from.subarray(start, end)])
    return this.body.length < this.wantedBytes
  }
}

/** One buffer for all reads, as a connection has it, with rubbish behind what was read. */
const shared = Buffer.alloc(70_000)

function read(parser: AnswerParser, piece: Buffer): void {
  shared.fill('\r\n\r\n7')
  piece.copy(shared)
  parser.read(shared, piece.length)
}

function piecesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set([0, bytes.length, ...cuts.map((cut) => cut % (bytes.length + 1))])].sort((a, b) => a - b)
  return places.slice(1).map((place, i) => bytes.subarray(places[i]!, place))
}

interface Answer {
  readonly bytes: Buffer
  readonly status: number
  readonly body: Buffer
  readonly isReusable: boolean
  readonly isUntilClose: boolean
}

const blanks = fc.stringMatching(/^[ \t]{0,3}$/)
const fieldText = fc.stringMatching(/^[!-~][ -~\t]{0,20}[!-~]$/)
const otherField = fc.tuple(fc.stringMatching(/^[Xx]-[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}$/), fieldText)
const anyCase = (name: string) =>
  fc
    .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
    .map((ups) => [...name].map((letter, i) => (ups[i] ? letter.toUpperCase() : letter)).join(''))
const extension = fc.constantFrom('', ';a', ';a=b', ' ; a="b;c"', '\t;x=1;y', ';é')
const sizeText = (size: number) =>
  fc.tuple(fc.nat(3), fc.boolean()).map(([zeros, isUpper]) => {
    const hex = size.toString(16)
    return '0'.repeat(zeros) + (isUpper ? hex.toUpperCase() : hex)
  })

function chunked(body: Buffer, cuts: readonly number[]): fc.Arbitrary<Buffer> {
  const chunk = (bytes: Buffer) =>
    fc.tuple(sizeText(bytes.length), extension).map(([size, more]) => {
      return Buffer.concat([Buffer.from(`${size}${more}\r\n`, 'latin1'), bytes, Buffer.from('\r\n')])
    })
  const last = fc
    .tuple(sizeText(0), extension, fc.array(otherField, { maxLength: 2 }))
    .map(([size, more, trailers]) => {
      return Buffer.from(`${size}${more}\r\n${trailers.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`, 'latin1')
    })
  const chunks = body.length === 0 ? [] : piecesOf(body, cuts).filter((piece) => piece.length > 0)
  return fc.tuple(...chunks.map(chunk), last).map((parts) => Buffer.concat(parts as Buffer[]))
}

const answers: fc.Arbitrary<Answer> = fc
  .record({
    status: fc.constantFrom(200, 200, 404, 503),
    isOld: fc.boolean(),
    framing: fc.constantFrom('length', 'chunked', 'close' as const),
    body: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
    cuts: fc.array(fc.nat(), { maxLength: 8 }),
    wish: fc.constantFrom('', 'close', 'keep-alive', 'Keep-Alive, x', 'x , Close'),
    reason: fc.constantFrom('', ' ', ' OK', ' Not \xe9 here'),
    interim: fc.array(fc.constantFrom('100 Continue', '103 Early Hints', '102'), { maxLength: 2 }),
    others: fc.array(otherField, { maxLength: 4 }),
    names: fc.tuple(anyCase('content-length'), anyCase('transfer-encoding'), anyCase('connection')),
    around: blanks,
    place: fc.nat(),
  })
  .chain((given) => {
    const { status, body, wish, names, around } = given
    // HTTP/1.0 knows no chunks.
    const isOld = given.isOld && given.framing !== 'chunked'
    const fields = given.others.map(([name, value]) => `${name}:${around}${value}${around}`)
    const framing = {
      length: [`${names[0]}:${around}${body.length}${around}`],
      chunked: [`${names[1]}:${around}Chunked${around}`],
      close: [],
    }[given.framing]
    fields.splice(given.place % (fields.length + 1), 0, ...framing)
    if (wish !== '') fields.push(`${names[2]}: ${wish}`)
    const interim = given.interim.map((line) => `HTTP/1.1 ${line}\r\nX-A: b\r\n\r\n`).join('')
    const head = `${interim}HTTP/1.${isOld ? 0 : 1} ${status}${given.reason}\r\n${fields.map((f) => `${f}\r\n`).join('')}\r\n`
    const isClosing = /close/i.test(wish) || (isOld && !/keep-alive/i.test(wish)) || given.framing === 'close'
    const content = given.framing === 'chunked' ? chunked(body, given.cuts) : fc.constant(body)
    return content.map((sent) => ({
      bytes: Buffer.concat([Buffer.from(head, 'latin1'), sent]),
      status,
      body,
      isReusable: !isClosing,
      isUntilClose: given.framing === 'close',
    }))
  })

describe('clean answers', () => {
  test('any answers, one behind the other, cut anywhere, give their own bytes and end at their last one', () => {
    const many = fc.array(fc.tuple(answers, fc.array(fc.nat(), { maxLength: 12 })), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(many, (given) => {
        const parser = new AnswerParser()
        for (const [answer, cuts] of given) {
          const taken = new Taken()
          parser.expect(taken)
          expect(parser.hasBegun).toBe(false)
          for (const piece of piecesOf(answer.bytes, cuts)) {
            expect(parser.isDone).toBe(false)
            read(parser, piece)
          }
          if (answer.isUntilClose) {
            expect(parser.isDone).toBe(false)
            parser.end()
          }
          expect(parser.isDone).toBe(true)
          expect(parser.isReusable).toBe(answer.isReusable)
          expect(taken.head?.status).toBe(answer.status)
          expect(taken.body.equals(answer.body)).toBe(true)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('a byte at a time, and an end before the last byte is early at every place', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        if (answer.isUntilClose) return
        const parser = new AnswerParser()
        const taken = new Taken()
        parser.expect(taken)
        for (let i = 0; i < answer.bytes.length; i++) {
          expect(() => parser.end()).toThrow('early')
          read(parser, answer.bytes.subarray(i, i + 1))
        }
        parser.end()
        expect(taken.body.equals(answer.body)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('what a failing answer tells in its head is kept, whatever the case of the names', () => {
    const taken = new Taken()
    const parser = new AnswerParser()
    parser.expect(taken)
    read(
      parser,
      Buffer.from(
        'HTTP/1.1 503 Slow\r\nRETRY-AFTER: 3\r\nX-Amz-Request-Id: \t7 \r\nx-amz-BUCKET-region: eu\r\nContent-Length: 0\r\n\r\n',
      ),
    )
    expect(parser.isDone).toBe(true)
    expect(taken.head).toMatchObject({ status: 503, bodyBytes: 0 })
    const told = ['retry-after', 'x-amz-request-id', 'x-amz-bucket-region'].map((name) => taken.head?.fields.get(name))
    expect(told).toEqual(['3', '7', 'eu'])
  })

  test('no content and not modified have no body, whatever length they tell', () => {
    for (const status of [204, 304]) {
      const parser = new AnswerParser()
      parser.expect(new Taken())
      read(parser, Buffer.from(`HTTP/1.1 ${status} x\r\ncontent-length: 9\r\n\r\n`))
      expect(parser.isDone).toBe(true)
    }
  })

  test('a body that is not wanted to its end makes the connection of no more use', () => {
    const parser = new AnswerParser()
    parser.expect(new Taken(3))
    read(parser, Buffer.from('HTTP/1.1 503 x\r\ncontent-length: 9\r\n\r\n1234'))
    expect([parser.isDone, parser.isReusable]).toEqual([true, false])
  })

  test('limits count for one answer, not for all of a connection', () => {
    const parser = new AnswerParser()
    const answer = Buffer.from(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1000)}\r\ncontent-length: 1\r\n\r\na`)
    for (let i = 0; i < 100; i++) {
      parser.expect(new Taken())
      read(parser, answer)
      expect(parser.isDone).toBe(true)
    }
  })

  test('chunks without end that hold next to nothing are refused', () => {
    const parser = new AnswerParser()
    parser.expect({ begin: () => {}, take: () => true })
    read(parser, Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'))
    const chunk = Buffer.from(`1;${'x'.repeat(60_000)}\r\na\r\n`)
    let chunks = 0
    expect(() => {
      for (; chunks < 1000; chunks++) parser.read(chunk, chunk.length)
    }).toThrow('too many chunks')
    expect(chunks).toBeGreaterThan(200)
  })
})
