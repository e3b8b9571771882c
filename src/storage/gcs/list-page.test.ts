// Proves that Google's listing pages are read right, whatever their order and escapes, and that one which is cut, foreign or contradictory is never read.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type GcsPageSketch, renderGcsPage } from '#test/fakes/gcs-page.ts'
import { PageMemory } from '../http/page-memory.ts'
import { StorageError, type StorageErrorKind } from '../storage-error.ts'
import { type ListQuestion, openListPage } from './list-page.ts'

interface Read {
  readonly entries: { key: string; sizeBytes: number; etag: string; modifiedMs: number }[]
  readonly prefixes: string[]
  readonly isTruncated: boolean
  readonly token: string | undefined
}

const memory = new PageMemory()

function read(
  body: Buffer | string,
  question: Partial<Omit<ListQuestion, 'prefix'>> & { prefix?: string } = {},
  length?: number,
): Read {
  const bytes = Buffer.from(body)
  memory.reserveBody(bytes.length, 0)
  // What lies behind a cut must never be taken for part of the answer.
  bytes.copy(memory.body)
  const { prefix = '', ...rest } = question
  const asked = { bucket: 'bucket', prefix: Buffer.from(prefix), isDelimited: false, ...rest }
  const page = openListPage(memory, length ?? bytes.length, asked, () => {})
  const entries: Read['entries'] = []
  const c = page.entries
  while (c.next()) {
    entries.push({
      key: c.keyBytes.toString('utf8', c.keyStart, c.keyEnd),
      sizeBytes: c.sizeBytes,
      etag: c.etagBytes.toString('latin1', c.etagStart, c.etagEnd),
      modifiedMs: c.modifiedMs,
    })
  }
  expect(entries.length).toBe(page.count)
  expect(page.lastKey?.toString() ?? null).toBe(entries.at(-1)?.key ?? null)
  return { entries, prefixes: page.prefixes.map(String), isTruncated: page.isTruncated, token: page.token }
}

function kindOf(...args: Parameters<typeof read>): StorageErrorKind | 'read' {
  try {
    read(...args)
    return 'read'
  } catch (error) {
    if (error instanceof StorageError) return error.kind
    throw error
  }
}

const inOrder = (keys: Iterable<string>) => [...new Set(keys)].sort((a, b) => Buffer.from(a).compare(Buffer.from(b)))
const entry = (key: string) => ({ key })

describe('what is right is read', () => {
  const anyKey = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
    fc.string({
      unit: fc.constantFrom('\\', '"', '/', 'u', '0', 'é', '😀', '\u2028', '\t', '\u0001', '{', ']'),
      minLength: 1,
    }),
  )
  const sketch = fc.record({
    keys: fc.array(anyKey, { maxLength: 20 }),
    sizes: fc.array(fc.oneof(fc.nat(), fc.maxSafeNat()), { minLength: 20, maxLength: 20 }),
    generations: fc.array(fc.bigInt({ min: 1n, max: 9_999_999_999_999_999_999n }), { minLength: 20, maxLength: 20 }),
    times: fc.array(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), {
      minLength: 20,
      maxLength: 20,
    }),
    isEscaped: fc.boolean(),
    isPretty: fc.boolean(),
    hasExtras: fc.boolean(),
    isHeadLast: fc.boolean(),
    order: fc.shuffledSubarray([0, 1, 2, 3, 4]),
    token: fc.option(fc.string({ unit: 'binary', minLength: 1 }), { nil: undefined }),
  })

  test('any page gives back what was put into it', () => {
    fc.assert(
      fc.property(sketch, ({ keys, sizes, generations, times, token, ...how }) => {
        const truth = inOrder(keys).map((key, i) => ({
          key,
          sizeBytes: sizes[i]!,
          etag: String(generations[i]!),
          modifiedMs: times[i]!.getTime(),
        }))
        const entries = truth.map(({ key, sizeBytes, etag, modifiedMs }) => ({
          key,
          size: String(sizeBytes),
          generation: etag,
          updated: new Date(modifiedMs).toISOString(),
        }))
        const page = renderGcsPage({ entries, ...how, ...(token === undefined ? {} : { token }) })
        expect(read(page)).toEqual({ entries: truth, prefixes: [], isTruncated: token !== undefined, token })
      }),
      { numRuns: 300 },
    )
  })

  test('folded folders beside entries, escaped', () => {
    const page = renderGcsPage({ entries: [entry('f/é')], prefixes: ['f/a/', 'f/😀/'], isEscaped: true })
    expect(read(page, { prefix: 'f/', isDelimited: true }).prefixes).toEqual(['f/a/', 'f/😀/'])
  })

  test('the key that was to be listed after is left out, since Google begins with it', () => {
    const page = renderGcsPage({ entries: [entry('a'), entry('b')], token: 't' })
    expect(read(page, { after: Buffer.from('a') }).entries.map(({ key }) => key)).toEqual(['b'])
    expect(read(page, { after: Buffer.from('Z') }).entries.map(({ key }) => key)).toEqual(['a', 'b'])
    const only = renderGcsPage({ entries: [entry('a')] })
    expect(read(only, { after: Buffer.from('a') })).toEqual({
      entries: [],
      prefixes: [],
      isTruncated: false,
      token: undefined,
    })
  })

  test('other ways to write a time', () => {
    const times = [
      '2024-02-29T23:59:59Z',
      '2024-02-29T23:59:59.5Z',
      '2024-02-29T23:59:59.123456Z',
      '2024-03-01T01:59:59+02:00',
    ]
    const page = renderGcsPage({ entries: times.map((updated, i) => ({ key: String(i), updated })) })
    const second = Date.UTC(2024, 1, 29, 23, 59, 59)
    expect(read(page).entries.map(({ modifiedMs }) => modifiedMs - second)).toEqual([0, 500, 123, 0])
  })
})

const right: GcsPageSketch = { entries: ['f/a', 'f/b', 'f/c'].map(entry) }
const text = renderGcsPage(right)

describe('what is wrong is refused', () => {
  test.each<[string, string, StorageErrorKind, Parameters<typeof read>[1]?]>([
    ['nothing', '', 'not-a-storage'],
    ['white space', ' \n', 'not-a-storage'],
    ['a web page', '<html><body>Log in</body></html>', 'not-a-storage'],
    ['an empty object', '{}', 'not-a-storage'],
    ['another document', '{"status":"ok","items":[]}', 'not-a-storage'],
    ['a list', '[]', 'not-a-storage'],
    ['a member nobody asked for', text.replace('"items"', '"itens"'), 'invalid'],
    ['another kind', text.replace('storage#objects', 'storage#buckets'), 'invalid'],
    ['another bucket', renderGcsPage({ entries: [{ key: 'f/a', bucket: 'other' }] }), 'invalid'],
    [
      'another bucket in one of many',
      renderGcsPage({ entries: [entry('a'), { key: 'b', bucket: 'bucke' }] }),
      'invalid',
    ],
    ['keys out of order', renderGcsPage({ entries: ['b', 'a'].map(entry) }), 'invalid'],
    ['the same key twice', renderGcsPage({ entries: ['a', 'a'].map(entry) }), 'invalid'],
    ['UTF-16 order', renderGcsPage({ entries: ['😀', '\uff5e'].map(entry) }), 'invalid'],
    ['an empty key', renderGcsPage({ entries: [entry('')] }), 'invalid'],
    ['a key outside, first', renderGcsPage({ entries: ['e/a', 'f/a'].map(entry) }), 'invalid', { prefix: 'f/' }],
    ['a key outside, last', renderGcsPage({ entries: ['f/a', 'f0'].map(entry) }), 'invalid', { prefix: 'f/' }],
    ['a start before the place asked for', text, 'invalid', { after: Buffer.from('f/b') }],
    ['the token it was asked with', renderGcsPage({ ...right, token: 't' }), 'invalid', { token: 't' }],
    ['an empty token', renderGcsPage({ ...right, token: '' }), 'invalid'],
    ['folders nobody asked for', renderGcsPage({ entries: [], prefixes: ['a/'] }), 'invalid'],
    ['folders out of order', renderGcsPage({ entries: [], prefixes: ['b/', 'a/'] }), 'invalid', { isDelimited: true }],
    ['a size that is no number', renderGcsPage({ entries: [{ key: 'a', size: '-1' }] }), 'invalid'],
    ['a size beyond numbers', renderGcsPage({ entries: [{ key: 'a', size: '9007199254740993' }] }), 'invalid'],
    ['no size', renderGcsPage({ entries: [{ key: 'a', size: '' }] }), 'invalid'],
    ['a generation that is none', renderGcsPage({ entries: [{ key: 'a', generation: 'x' }] }), 'invalid'],
    ['a date that is none', renderGcsPage({ entries: [{ key: 'a', updated: '2024-13-01T00:00:00.000Z' }] }), 'invalid'],
    [
      'an hour that is none',
      renderGcsPage({ entries: [{ key: 'a', updated: '2024-12-01T24:00:00.000Z' }] }),
      'invalid',
    ],
    ['an entry without a generation', text.replace(/"generation":"\d+",/, ''), 'invalid'],
    ['a member twice in an entry', text.replace('"size":"1"', '"size":"1","size":"2"'), 'invalid'],
    ['a member twice', text.replace('{"kind"', '{"items":[],"kind"'), 'invalid'],
    ['a size without quotes', text.replace('"size":"1"', '"size":1'), 'invalid'],
    ['something behind its end', `${text}{}`, 'invalid'],
    ['a comma too many', text.replace(']}', ',]}'), 'invalid'],
    ['half a character', text.replace('f/a', 'f/\\ud800'), 'invalid'],
    ['half a character before another', text.replace('f/a', 'f/\\ud800\\u0041'), 'invalid'],
    ['the other half', text.replace('f/a', 'f/\\udc00'), 'invalid'],
    ['an escape there is none of', text.replace('f/a', 'f/\\x41'), 'invalid'],
    ['an escape cut short', text.replace('f/a', 'f/\\u00'), 'invalid'],
    ['a line break in a name', text.replace('f/a', 'f/\na'), 'invalid'],
    ['a number with a zero before it', text.replace('"size"', '"x":01,"size"'), 'invalid'],
    ['nests without end', text.replace('"size"', `"x":${'['.repeat(9000)}${']'.repeat(9000)},"size"`), 'invalid'],
  ])('%s', (_, body, kind, question) => {
    expect(kindOf(body, question)).toBe(kind)
  })

  test.each<[string, Partial<GcsPageSketch>]>([
    ['plain', { token: 'next' }],
    ['laid out, escaped, with everything that Google says', { isPretty: true, isEscaped: true, hasExtras: true }],
    ['what is said of the page at the end', { isHeadLast: true, prefixes: ['g/'] }],
  ])('cut at every byte: %s', (_, how) => {
    const entries = Array.from({ length: 60 }, (_, n) => entry(`f/${String(n).padStart(4, '0')} é"\\😀.jpg`))
    const whole = Buffer.from(renderGcsPage({ entries, ...how }))
    expect(kindOf(whole, { isDelimited: true })).toBe('read')
    for (let cut = 0; cut < whole.length; cut++) {
      const kind = kindOf(whole, { isDelimited: true }, cut)
      if (kind !== 'invalid' && kind !== 'not-a-storage') expect.fail(`cut at ${cut}: ${kind}`)
    }
  })

  test('any byte of a page changed: refused, or read without losing an entry', () => {
    const entries = Array.from({ length: 20 }, (_, n) => entry(`f/${n + 10}é`))
    const whole = Buffer.from(renderGcsPage({ entries, isEscaped: true, token: 't' }))
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const changed = Buffer.from(whole)
        changed[at] = byte
        try {
          expect(read(changed, { prefix: 'f/' }).entries.length).toBe(20)
        } catch (error) {
          if (!(error instanceof StorageError)) throw error
        }
      }),
      { numRuns: 20_000 },
    )
  })
})
