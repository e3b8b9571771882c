// Proves that a range header gives the bytes a plain slice would, and that an empty file is never asked for bytes in vain.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readRange } from './range.ts'

const size = fc.integer({ min: 0, max: 50 })
const at = fc.integer({ min: 0, max: 60 })

test('from, to and last bytes', () => {
  fc.assert(
    fc.property(size, at, fc.option(at), (bytes, start, end) => {
      const all = Array.from({ length: bytes }, (_, index) => index)
      const answer = readRange(`bytes=${start}-${end ?? ''}`, bytes)
      const expected = all.slice(start, end === null ? undefined : end + 1)
      if (end !== null && end < start) return void expect(answer).toEqual({ kind: 'all' })
      if (answer.kind === 'part') return void expect(all.slice(answer.start, answer.end + 1)).toEqual(expected)
      expect(expected).toEqual([])
      expect(answer.kind).toBe(start === 0 ? 'all' : 'unsatisfiable')
    }),
  )
  fc.assert(
    fc.property(size, at, (bytes, count) => {
      const answer = readRange(`bytes=-${count}`, bytes)
      if (count === 0) return void expect(answer.kind).toBe('unsatisfiable')
      if (bytes === 0) return void expect(answer.kind).toBe('all')
      expect(answer).toEqual({ kind: 'part', start: Math.max(0, bytes - count), end: bytes - 1 })
    }),
  )
})

test('what is no single range of bytes asks for all', () => {
  for (const header of [
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=1',
    'bytes=0-1,3-4',
    'items=0-1',
    'bytes=1--2',
    'bytes=-1-2',
  ]) {
    expect(readRange(header, 10), String(header)).toEqual({ kind: 'all' })
  }
})
