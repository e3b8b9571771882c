// Proves that no listing page that was cut anywhere, lost a piece, or is of one of the shapes that broken and hostile servers send passes for
// a good one: each is refused with an error of ours, or read with every entry it says it has.
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type PageSketch, renderPage } from '#test/fakes/listing-page.ts'
import { PageMemory } from '../http/page-memory.ts'
import { StorageError } from '../storage-error.ts'
import { openListPage } from './list-page.ts'

const memory = new PageMemory()
const folder = Buffer.from('folder/')
const question = { bucket: 'bucket', prefix: folder, isDelimited: false }

/** What comes of a body: how many entries were read, or the kind of our refusal; any other error is thrown. */
function outcomeOf(body: Buffer, lengthBytes = body.length, asked: object = {}): number | string {
  memory.reserveBody(body.length, 0)
  // The rest of the page lies behind the cut, as it would in memory that is used again: it must not be taken for part of the answer.
  body.copy(memory.body)
  try {
    const page = openListPage(memory, lengthBytes, { ...question, ...asked }, () => {})
    let entries = 0
    while (page.entries.next()) entries++
    expect(entries).toBe(page.count)
    return entries
  } catch (error) {
    if (error instanceof StorageError) return error.kind
    throw error
  }
}

const keysOf = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ key: `folder/${String(n).padStart(4, '0')} é&<😀>\r\n%.jpg` }))
const lines = (page: string) => page.replaceAll('><', '>\r\n<')

const variants: [string, number, Partial<PageSketch>, (page: string) => string][] = [
  ['percent-encoded', 200, { token: 'next' }, (page) => page],
  ['with entities, a line an element', 80, { isUrlEncoded: false }, lines],
  ['percent-encoded, what is said of the page at the end', 60, { isHeadLast: true }, (page) => page],
  [
    'with numbers for characters and all optional elements',
    30,
    { isUrlEncoded: false, hasNumericEntities: true, hasExtras: true, token: 'a&b' },
    (page) => page,
  ],
  [
    'with all optional elements, last things first, a line an element',
    30,
    { hasExtras: true, isHeadLast: true, token: 't', order: [4, 3, 2, 1, 0] },
    lines,
  ],
  [
    'without what may be left out',
    60,
    {},
    (page) =>
      page
        .replace(/<KeyCount>\d+<\/KeyCount><MaxKeys>1000<\/MaxKeys>/, '')
        .replace(/<ETag>.*?<\/ETag>|<StorageClass>.*?<\/StorageClass>/g, ''),
  ],
  [
    'with a mark of its encoding and white space all over',
    60,
    { token: 't' },
    (page) => `\ufeff${page.replaceAll('><', '>\r\n\t  <')}`,
  ],
]

describe('cut at every byte', () => {
  let cuts = 0
  test.each(variants)('%s, %i keys', { timeout: 120_000 }, (_, count, how, rewrite) => {
    const whole = Buffer.from(rewrite(renderPage({ prefix: 'folder/', entries: keysOf(count), ...how })))
    expect(outcomeOf(whole)).toBe(count)
    // White space behind the last tag means nothing; a cut there would be none.
    for (let cut = 0; cut < whole.length; cut++) {
      const outcome = outcomeOf(whole, cut)
      if (outcome !== 'invalid' && outcome !== 'not-a-storage') expect.fail(`cut at ${cut}: ${outcome}`)
    }
    cuts += whole.length
  })

  test('that were at least 60,000 cuts', () => {
    expect(cuts).toBeGreaterThan(60_000)
  })
})

describe('pieces lost, doubled or swapped', () => {
  const count = 12
  const whole = Buffer.from(renderPage({ prefix: 'folder/', entries: keysOf(count), token: 't', hasExtras: true }))
  const piece = fc.tuple(fc.nat(whole.length), fc.nat(whole.length)).map((ends) => ends.sort((a, b) => a - b))
  const damages: [string, (from: number, to: number) => Buffer[]][] = [
    ['lost', (from, to) => [whole.subarray(0, from), whole.subarray(to)]],
    ['doubled', (from, to) => [whole.subarray(0, to), whole.subarray(from)]],
    ['zeroed', (from, to) => [whole.subarray(0, from), Buffer.alloc(to - from), whole.subarray(to)]],
    ['moved to the end', (from, to) => [whole.subarray(0, from), whole.subarray(to), whole.subarray(from, to)]],
  ]

  test.each(damages)('%s: refused, or no entry is missing or too much', (_, damage) => {
    fc.assert(
      fc.property(piece, ([from, to]) => {
        const outcome = outcomeOf(Buffer.concat(damage(from!, to!)))
        if (typeof outcome === 'number') expect(outcome).toBe(count)
        else expect(['invalid', 'not-a-storage']).toContain(outcome)
      }),
      { numRuns: 5000 },
    )
  })

  test('every whole entry that is left out or comes twice is missed by the count, or by the order', () => {
    const entries = [...whole.toString().matchAll(/<Contents>.*?<\/Contents>/gs)]
    expect(entries).toHaveLength(count)
    for (const { 0: entry, index } of entries) {
      const text = whole.toString()
      expect(outcomeOf(Buffer.from(text.slice(0, index) + text.slice(index + entry.length)))).toBe('invalid')
      expect(outcomeOf(Buffer.from(text.slice(0, index) + entry + text.slice(index)))).toBe('invalid')
    }
  })
})

describe('shapes', () => {
  const three = renderPage({ prefix: 'folder/', entries: keysOf(3), token: 't' })
  const bomb = Array.from({ length: 20 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('')
  const withType = (inside: string, page = three) => page.replace('?>\n', `?>\n<!DOCTYPE ListBucketResult [${inside}]>`)
  const shapes: [string, string | Buffer][] = [
    ['an entity bomb', withType(`<!ENTITY l0 "lol">${bomb}`, three.replace('folder/0000', '&l20;'))],
    [
      'an entity that is a file',
      withType('<!ENTITY f SYSTEM "file:///etc/hostname">', three.replace('folder/0000', '&f;')),
    ],
    ['an entity used without being said', three.replace('folder/0000', '&l20;')],
    ['a document type alone', withType('')],
    ['a processing instruction in the middle', three.replace('<Contents>', '<?php echo ?><Contents>')],
    ['two prologs', three.replace('?>\n', '?><?xml version="1.0"?>')],
    ['compressed and not said so', gzipSync(three)],
    ['in UTF-16', Buffer.from(`\ufeff${three}`, 'utf16le')],
    ['nothing but the mark of an encoding', '\ufeff'],
    ['a NUL in front', `\0${three}`],
    ['a NUL between the elements', three.replace('<Contents>', '\0<Contents>')],
    ['a NUL behind the end', `${three}\0`],
    ['a web page behind the end', `${three}<html></html>`],
    [
      'an error within the page',
      three
        .replace('<Contents>', '<Error><Code>InternalError</Code></Error><Contents>')
        .replace(/<Contents>.*?<\/Contents>/, ''),
    ],
    ['an error cut in by the server half way', `${three.slice(0, 900)}<Error><Code>InternalError</Code></Error>`],
    ['white space in front of an error', '\n\n  <Error><Code>InternalError</Code></Error>'],
    ['entries of another case', three.replaceAll('Contents>', 'contents>')],
    [
      'entries with a prefix of a namespace',
      three.replaceAll('<Contents>', '<s3:Contents>').replaceAll('</Contents>', '</s3:Contents>'),
    ],
    ['the root of another case', three.replaceAll('ListBucketResult', 'listbucketresult')],
    ['a root that begins alike', three.replaceAll('ListBucketResult', 'ListBucketResults')],
    ['an empty root', '<?xml version="1.0"?><ListBucketResult/>'],
    ['a root with nothing in it', '<?xml version="1.0"?><ListBucketResult></ListBucketResult>'],
    ['the name twice', three.replace('<Name>', '<Name>bucket</Name><Name>')],
    ['the prefix twice', three.replace('<Prefix>', '<Prefix>folder/</Prefix><Prefix>')],
    ['the count twice', three.replace('<KeyCount>', '<KeyCount>3</KeyCount><KeyCount>')],
    ['the token twice', three.replace('<NextCont', '<NextContinuationToken>u</NextContinuationToken><NextCont')],
    ['the encoding twice', three.replace('<EncodingType>', '<EncodingType>url</EncodingType><EncodingType>')],
    ['a count that is no number', three.replace('<KeyCount>3', '<KeyCount>three')],
    ['a negative count', three.replace('<KeyCount>3', '<KeyCount>-3')],
    ['IsTruncated of another case', three.replace('>true<', '>True<')],
    ['IsTruncated as a number', three.replace('>true<', '>1<')],
    ['IsTruncated with space around', three.replace('>true<', '> true <')],
    ['the prefix in another form', three.replace('<Prefix>folder/', '<Prefix>/folder/')],
    ['the prefix without its slash', three.replace('<Prefix>folder/', '<Prefix>folder')],
    ['the name of the bucket in another case', three.replace('>bucket<', '>Bucket<')],
    ['a key that is a folder above', three.replace('<Key>folder/0000', '<Key>folde')],
    ['keys of another folder', three.replaceAll('<Key>folder/', '<Key>folder2/')],
    ['a tag in a key', three.replace('<Key>folder/0000', '<Key>folder/<b>0</b>')],
    ['a key without its end', three.replace('</Key>', '')],
    ['an end without a beginning', three.replace('<Key>', '')],
    ['elements that overlap', three.replace('</Key><LastModified>', '<LastModified></Key>')],
    ['an attribute without its end', three.replace('<Contents>', '<Contents a="1>')],
    ['a size with a fraction', three.replace('<Size>1<', '<Size>1.5<')],
    ['an empty size', three.replace('<Size>1<', '<Size><')],
    ['a date of words', three.replace(/<LastModified>.*?</, '<LastModified>yesterday<')],
    ['an empty date', three.replace(/<LastModified>.*?</, '<LastModified><')],
    ['an unfinished percent code', three.replace('<Key>folder/0000', '<Key>folder/0000%F')],
    [
      'a number of a character that does not end',
      three.replace('<Key>folder/0000', `<Key>folder/&#${'0'.repeat(500)}65;`),
    ],
  ]

  test.each(shapes)('%s', (_, body) => {
    expect(body).not.toBe(three)
    expect(['invalid', 'not-a-storage']).toContain(outcomeOf(Buffer.from(body)))
  })

  test('those are at least 40', () => {
    expect(new Set(shapes.map(([, body]) => body.toString('latin1'))).size).toBeGreaterThanOrEqual(40)
  })

  test('a listing that goes round in circles: the same token, or keys from before the place asked for', () => {
    expect(outcomeOf(Buffer.from(three), undefined, { token: 't' })).toBe('invalid')
    for (const { key } of keysOf(3))
      expect(outcomeOf(Buffer.from(three), undefined, { after: Buffer.from(key) })).toBe('invalid')
    expect(outcomeOf(Buffer.from(three), undefined, { after: Buffer.from('folder/') })).toBe(3)
  })

  test('a page of a thousand entities a key, and one of far more keys than were asked for, are read whole', () => {
    const many = Array.from({ length: 1000 }, (_, n) => ({
      key: `folder/${'&"<>\''.repeat(20)}${String(n).padStart(4, '0')}`,
    }))
    for (const how of [{ isUrlEncoded: false }, { isUrlEncoded: false, hasNumericEntities: true }])
      expect(outcomeOf(Buffer.from(renderPage({ prefix: 'folder/', entries: many, ...how })))).toBe(1000)
    const more = Array.from({ length: 5000 }, (_, n) => ({ key: `folder/${String(n).padStart(5, '0')}` }))
    expect(outcomeOf(Buffer.from(renderPage({ prefix: 'folder/', entries: more, token: 't' })))).toBe(5000)
  })
})
