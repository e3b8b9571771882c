// Proves that a listing page is read right, whatever order and elements it has, and that one which is cut, foreign or contradictory is never read at all.
import { Readable } from 'node:stream'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type PageSketch, renderPage } from '#test/fakes/listing-page.ts'
import { PageMemory } from '../http/page-memory.ts'
import { StorageError, type StorageErrorKind } from '../storage-error.ts'
import { type ListQuestion, openListPage } from './list-page.ts'

interface Read {
  readonly entries: { key: string; sizeBytes: number; etag: string; modifiedMs: number; isArchived: boolean }[]
  readonly prefixes: string[]
  readonly isTruncated: boolean
  readonly token: string | undefined
}

const memory = new PageMemory()

function read(body: Buffer | string, question: Partial<Omit<ListQuestion, 'prefix'>> & { prefix?: string } = {}): Read {
  const bytes = Buffer.from(body)
  memory.reserveBody(bytes.length, 0)
  // What an earlier page left must never be taken for part of this one.
  bytes.copy(memory.body)
  const { prefix = '', ...rest } = question
  const asked = { bucket: 'bucket', prefix: Buffer.from(prefix), isDelimited: false, ...rest }
  const page = openListPage(memory, bytes.length, asked, () => {})
  const entries: Read['entries'] = []
  const c = page.entries
  while (c.next()) {
    entries.push({
      key: c.keyBytes.toString('utf8', c.keyStart, c.keyEnd),
      sizeBytes: c.sizeBytes,
      etag: c.etagBytes.toString('latin1', c.etagStart, c.etagEnd),
      modifiedMs: c.modifiedMs,
      isArchived: c.isArchived,
    })
  }
  expect(entries.length).toBe(page.count)
  expect(page.lastKey?.toString() ?? null).toBe(entries.at(-1)?.key ?? null)
  return { entries, prefixes: page.prefixes.map(String), isTruncated: page.isTruncated, token: page.token }
}

function kindOf(body: Buffer | string, question: Parameters<typeof read>[1] = {}): StorageErrorKind | 'read' {
  try {
    read(body, question)
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
      unit: fc.constantFrom('%', '+', '&', ';', 'amp', '#', 'x', '2', 'F', ' ', '/', 'é', '😀', '\n', '<'),
      minLength: 1,
    }),
  )
  const sketch = fc.record({
    keys: fc.array(anyKey, { maxLength: 20 }),
    sizes: fc.array(fc.oneof(fc.nat(), fc.maxSafeNat()), { minLength: 20, maxLength: 20 }),
    times: fc.array(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), {
      minLength: 20,
      maxLength: 20,
    }),
    form: fc.constantFrom<Partial<PageSketch>>(
      {},
      { isUrlEncoded: false },
      { isUrlEncoded: false, hasNumericEntities: true },
    ),
    hasExtras: fc.boolean(),
    isHeadLast: fc.boolean(),
    order: fc.shuffledSubarray([0, 1, 2, 3, 4]),
    token: fc.option(
      fc.string({ minLength: 1 }).map((text) => `t${text}`),
      { nil: undefined },
    ),
  })

  test('any page gives back what was put into it', () => {
    fc.assert(
      fc.property(sketch, ({ keys, sizes, times, form, token, ...rest }) => {
        const entries = inOrder(keys).map((key, i) => ({
          key,
          sizeBytes: sizes[i]!,
          etag: `"etag-${i}"`,
          modified: times[i]!.toISOString(),
        }))
        const made = { ...rest, ...form, entries, ...(token === undefined ? {} : { token }) }
        expect(read(renderPage(made))).toEqual({
          entries: entries.map(({ key, sizeBytes, modified }, i) => ({
            key,
            sizeBytes,
            etag: `etag-${i}`,
            modifiedMs: Date.parse(modified),
            isArchived: false,
          })),
          prefixes: [],
          isTruncated: token !== undefined,
          token,
        })
      }),
      { numRuns: 2000 },
    )
  })

  test('any page is read as the official parser reads it', async () => {
    let body = ''
    const client = new S3Client({
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      requestHandler: {
        handle: async () => ({ response: { statusCode: 200, headers: {}, body: Readable.from([Buffer.from(body)]) } }),
      } as never,
    })
    const property = fc.asyncProperty(sketch, async ({ keys, sizes, times, token, ...rest }) => {
      const entries = inOrder(keys).map((key, i) => ({ key, sizeBytes: sizes[i]!, modified: times[i]!.toISOString() }))
      body = renderPage({ ...rest, entries, ...(token === undefined ? {} : { token }) })
      const theirs = await client.send(new ListObjectsV2Command({ Bucket: 'bucket' }))
      const ours = read(body)
      expect(ours.isTruncated).toBe(theirs.IsTruncated)
      expect(ours.entries).toEqual(
        (theirs.Contents ?? []).map((object) => ({
          key: decodeURIComponent(object.Key!.replaceAll('+', ' ')),
          sizeBytes: object.Size,
          etag: object.ETag?.replaceAll('"', ''),
          // It rounds times down to whole seconds in some versions.
          modifiedMs: expect.toSatisfy((ms: number) => Math.abs(ms - object.LastModified!.getTime()) < 1000),
          isArchived: false,
        })),
      )
    })
    await fc.assert(property, { numRuns: 200 })
  })

  test('folded folders, archived classes, times without a fraction, other white space', () => {
    const page = read(
      renderPage({
        prefix: 'a b/',
        prefixes: ['a b/ä/', 'a b/ü/'],
        entries: [
          { key: 'a b/1', storageClass: 'GLACIER', modified: '2024-01-02T03:04:05Z' },
          { key: 'a b/2', storageClass: 'DEEP_ARCHIVE' },
          { key: 'a b/3', storageClass: 'GLACIER_IR', etag: 'bare' },
        ],
      }).replaceAll('><', '>\n\t <'),
      { prefix: 'a b/', isDelimited: true },
    )
    expect(page.prefixes).toEqual(['a b/ä/', 'a b/ü/'])
    expect(page.entries.map(({ isArchived }) => isArchived)).toEqual([true, true, false])
    expect(page.entries.map(({ etag }) => etag.length)).toEqual([32, 32, 4])
    expect(page.entries[0]?.modifiedMs).toBe(Date.UTC(2024, 0, 2, 3, 4, 5))
  })

  test('a thousand keys of nothing but entities', () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `&<>"'😀`.repeat(10) + String(i).padStart(4, '0'))
    for (const hasNumericEntities of [false, true]) {
      const page = renderPage({ entries: keys.map(entry), isUrlEncoded: false, hasNumericEntities })
      expect(read(page).entries.map(({ key }) => key)).toEqual(keys)
    }
  })

  test('keys are decoded once, by what the answer says of itself', () => {
    const raw = renderPage({ entries: [entry('%252F+%20')], isUrlEncoded: false })
    expect(read(raw).entries[0]?.key).toBe('%252F+%20')
    expect(read(raw.replace('<KeyCount>', '<EncodingType>url</EncodingType><KeyCount>')).entries[0]?.key).toBe('%2F  ')
  })

  test('keys and prefixes of bytes that are no UTF-8', () => {
    const page = renderPage({ entries: [entry('X')] }).replace('<Key>X<', '<Key>%FE%00x<')
    const bytes = Buffer.from(page)
    memory.reserveBody(bytes.length, 0)
    bytes.copy(memory.body)
    const question = { bucket: 'bucket', prefix: Buffer.alloc(0), isDelimited: false }
    const { entries } = openListPage(memory, bytes.length, question, () => {})
    entries.next()
    expect([...entries.keyBytes.subarray(entries.keyStart, entries.keyEnd)]).toEqual([0xfe, 0, 0x78])
  })
})

describe('what is not a whole, fitting page is refused', () => {
  test.each([
    // Longer pages, in more forms: hostile-pages.test.ts.
    { count: 40, how: { token: 'next' } },
    { count: 20, how: { isUrlEncoded: false, hasExtras: true, isHeadLast: true } },
  ])('a page of $count keys, cut at every byte', { timeout: 120_000 }, ({ count, how }) => {
    const entries = Array.from({ length: count }, (_, i) => entry(`folder/key ${String(i).padStart(4, '0')} é&.jpg`))
    const page = Buffer.from(renderPage({ entries, prefix: 'folder/', ...how }))
    expect(read(page, { prefix: 'folder/' }).entries).toHaveLength(count)
    const question = { bucket: 'bucket', prefix: Buffer.from('folder/'), isDelimited: false }
    const kinds = new Set<unknown>()
    for (let cut = 0; cut < page.length; cut++) {
      page.copy(memory.body, 0, 0, cut)
      try {
        openListPage(memory, cut, question, () => {})
        kinds.add(`read when cut at ${cut}`)
      } catch (error) {
        kinds.add((error as StorageError).kind)
      }
    }
    expect(kinds).toEqual(new Set(['not-a-storage', 'invalid']))
  })

  test('any byte of a page changed: refused, or read without losing an entry', () => {
    const entries = ['a', 'b', 'c'].map((name) => entry(`folder/${name}`))
    const page = Buffer.from(renderPage({ entries, prefix: 'folder/', token: 't' }))
    fc.assert(
      fc.property(fc.nat(page.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(page)
        changed[at] = byte
        const kind = kindOf(changed, { prefix: 'folder/' })
        if (kind === 'read') expect(read(changed, { prefix: 'folder/' }).entries).toHaveLength(3)
      }),
      { numRuns: 20_000 },
    )
  })

  const three = renderPage({ entries: ['a', 'b', 'c'].map(entry), token: 't' })
  const shapes: [string, string, Parameters<typeof read>[1]?][] = [
    ['another bucket', three.replace('<Name>bucket<', '<Name>other<')],
    ['no bucket', three.replace('<Name>bucket</Name>', '')],
    ['another prefix', three.replace('<Prefix/>', '<Prefix>x/</Prefix>')],
    ['no prefix where one was asked for', three.replace('<Prefix/>', ''), { prefix: 'a' }],
    ['no IsTruncated', three.replace('<IsTruncated>true</IsTruncated>', '')],
    [
      'no IsTruncated and no token',
      renderPage({ entries: ['a'].map(entry) }).replace('<IsTruncated>false</IsTruncated>', ''),
    ],
    ['an empty IsTruncated', three.replace('<IsTruncated>true</IsTruncated>', '<IsTruncated/>')],
    ['IsTruncated twice', three.replace('<IsTruncated>', '<IsTruncated>true</IsTruncated><IsTruncated>')],
    ['IsTruncated inside something else only', three.replace(/<(\/?)IsTruncated>/g, '<$1X>')],
    ['truncated without a token', three.replace(/<NextContinuationToken>.*<\/NextContinuationToken>/, '')],
    ['truncated with an empty token', three.replace('>t</Next', '></Next')],
    ['a token where nothing follows', three.replace('>true<', '>false<')],
    ['the token it was asked with', three, { token: 't' }],
    ['more keys than there are', three.replace('<KeyCount>3<', '<KeyCount>4<')],
    ['fewer keys than there are', three.replace('<KeyCount>3<', '<KeyCount>2<')],
    ['keys out of order', renderPage({ entries: ['b', 'a'].map(entry) })],
    ['the same key twice', renderPage({ entries: ['a', 'a'].map(entry) })],
    ['order of UTF-16 instead of bytes', renderPage({ entries: ['😀', '\uff5e'].map(entry) })],
    [
      'a key outside the prefix, first',
      renderPage({ prefix: 'b/', entries: ['a', 'b/c'].map(entry) }),
      { prefix: 'b/' },
    ],
    [
      'a key outside the prefix, last',
      renderPage({ prefix: 'b/', entries: ['b/c', 'c'].map(entry) }),
      { prefix: 'b/' },
    ],
    ['a key that only begins like it', renderPage({ prefix: 'b/', entries: ['b'].map(entry) }), { prefix: 'b/' }],
    ['a start that was overlooked', three, { after: Buffer.from('a') }],
    ['a start inside', three, { after: Buffer.from('b') }],
    ['an empty key', renderPage({ entries: [entry('')] })],
    ['an entry without a key', three.replace('<Key>a</Key>', '')],
    ['an entry without a size', three.replace('<Size>1</Size>', '')],
    ['an entry without a date', three.replace(/<LastModified>.*?<\/LastModified>/, '')],
    ['an entry with two keys', three.replace('<Key>a</Key>', '<Key>a</Key><Key>aa</Key>')],
    ['an empty entry', three.replace(/<Contents>.*?<\/Contents>/, '<Contents/>')],
    ['a size that is none', three.replace('<Size>1<', '<Size>1e3<')],
    ['a negative size', three.replace('<Size>1<', '<Size>-1<')],
    ['a size beyond numbers', three.replace('<Size>1<', '<Size>99999999999999999999<')],
    ['a date that is none', three.replace('2024-02-29', '2024-13-99')],
    ['a broken percent code', three.replace('<Key>a<', '<Key>%4<')],
    ['a percent code of other letters', three.replace('<Key>a<', '<Key>%zz<')],
    ['an unknown entity', three.replace('<Key>a<', '<Key>&nbsp;<')],
    ['an entity without an end', three.replace('<Key>a<', '<Key>&amp<')],
    ['an entity that is half a character', three.replace('<Key>a<', '<Key>&#xD800;<')],
    ['an entity beyond Unicode', three.replace('<Key>a<', '<Key>&#x110000;<')],
    ['folded folders nobody asked for', renderPage({ entries: [], prefixes: ['a/'] })],
    [
      'a folded folder elsewhere',
      renderPage({ prefix: 'b/', entries: [], prefixes: ['a/'] }),
      { prefix: 'b/', isDelimited: true },
    ],
    ['folded folders out of order', renderPage({ entries: [], prefixes: ['b/', 'a/'] }), { isDelimited: true }],
    ['a second document', three + three],
    ['text behind the end', `${three}x`],
    ['text between the elements', three.replace('<Contents>', 'x<Contents>')],
    ['a comment', three.replace('<Contents>', '<!-- <Contents> --><Contents>')],
    ['a key in CDATA', three.replace('<Key>a<', '<Key><![CDATA[a]]><')],
    ['a tag that closes another', three.replace('</Key>', '</Kex>')],
    ['deep nesting', three.replace('<Contents>', `${'<x>'.repeat(1000)}${'</x>'.repeat(1000)}<Contents>`)],
    ['an answer to something else', '<?xml version="1.0"?><ListAllMyBucketsResult></ListAllMyBucketsResult>'],
    ['an error with status 200', '<?xml version="1.0"?><Error><Code>InternalError</Code></Error>'],
    ['an unclear encoding', three.replace('>url<', '>other<')],
    [
      'the encoding said inside an entry',
      three
        .replace(/<EncodingType>url<\/EncodingType>/, '')
        .replace('<Size>', '<EncodingType>url</EncodingType><Size>'),
    ],
  ]
  test.each(shapes)('%s', (_, body, question) => {
    expect(kindOf(body, question)).toBe('invalid')
  })

  test.each([
    ['nothing', ''],
    ['white space', ' \n\t'],
    ['a web page', '<!DOCTYPE html><html><body>Log in</body></html>'],
    ['a web page without a type', '<html><body>Log in</body></html>'],
    ['XHTML', '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"></html>'],
    ['JSON', '{"ListBucketResult": {}}'],
    ['text', 'It works!'],
  ])('%s is not a storage’s answer', (_, body) => {
    expect(kindOf(body)).toBe('not-a-storage')
  })
})

test('memory given back is used again, and an error says nothing of the answer', () => {
  let given = 0
  const bytes = Buffer.from(renderPage({ entries: [entry('a')] }))
  const own = new PageMemory()
  bytes.copy(own.body)
  const page = openListPage(
    own,
    bytes.length,
    { bucket: 'bucket', prefix: Buffer.alloc(0), isDelimited: false },
    () => given++,
  )
  page.release()
  page.release()
  expect(given).toBe(1)
  expect(() => page.entries.next()).toThrow(/released/)
  try {
    read(renderPage({ bucket: 'SECRET', entries: [entry('SECRET')] }))
    expect.unreachable()
  } catch (error) {
    expect(String(error)).not.toContain('SECRET')
  }
})
