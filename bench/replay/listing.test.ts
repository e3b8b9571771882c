// Proves that the replay server lists like S3: every layout ascends in UTF-8 byte order, and paging with any prefix, delimiter, start and
// page size, in either encoding and either version, gives exactly the keys and folded prefixes that a plain filter over all keys gives.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ABSENT, Bucket } from './bucket.ts'
import { layoutNames, lowerBound, makeLayout } from './layouts.ts'
import { ListingAnswers } from './listing.ts'

const count = 3_000
const layouts = layoutNames.flatMap((name) => {
  const layout = makeLayout(name, count)
  const changed = new Bucket(layout, true)
  // Half of the objects are touched, so that many keys are missing and many are new.
  changed.change({ kind: 'spread', share: 0.5 })
  changed.change({ kind: 'clustered', share: 0.5 })
  return [
    { title: name, bucket: new Bucket(layout) },
    { title: `${name}, changed`, bucket: changed },
  ].map(({ title, bucket }) => {
    const slots = Array.from({ length: bucket.keys.count }, (_, slot) => slot)
    return {
      title,
      layout: bucket.keys,
      keys: slots.filter((slot) => bucket.versionAt(slot) !== ABSENT).map((slot) => bucket.keys.keyAt(slot)),
      answers: new ListingAnswers(bucket, 'bench', 1e8),
    }
  })
})

interface Question {
  readonly prefix: string
  readonly delimiter: string
  readonly after: string
  readonly max: number
  readonly isV2: boolean
  readonly isUrl: boolean
}

describe.each(layouts)('$title', ({ layout, keys, answers }) => {
  it('ascends strictly in bytes, and every key is found where it is', () => {
    for (const [index, key] of keys.entries()) {
      if (index > 0) expect(Buffer.compare(Buffer.from(keys[index - 1]!), Buffer.from(key))).toBe(-1)
      if (index % 97 === 0) expect(layout.keyAt(lowerBound(layout, Buffer.from(key)))).toBe(key)
    }
  })

  it('gives exactly what a filter over all keys gives, page by page', () => {
    const aKey = fc.integer({ min: 0, max: keys.length - 1 }).map((index) => keys[index]!)
    const cut = (key: string, share: number) => [...key].slice(0, Math.floor([...key].length * share)).join('')
    const question = fc.record({
      prefix: fc.oneof(
        fc.constant(''),
        fc.tuple(aKey, fc.double({ min: 0, max: 1, noNaN: true })).map(([key, share]) => cut(key, share)),
        fc.constant('nothing/'),
      ),
      delimiter: fc.constantFrom('', '', '/'),
      after: fc.oneof(
        fc.constant(''),
        aKey,
        fc.tuple(aKey, fc.double({ min: 0, max: 1, noNaN: true })).map(([key, share]) => cut(key, share)),
      ),
      max: fc.integer({ min: 7, max: 1_000 }),
      isV2: fc.boolean(),
      isUrl: fc.boolean(),
    })
    fc.assert(
      fc.property(question, (asked) => {
        expect(listAll(answers, asked)).toEqual(expected(keys, asked))
      }),
      { numRuns: 25 },
    )
  })
})

/** What a plain filter gives: keys, and folded prefixes ending in the delimiter, in byte order. */
function expected(keys: readonly string[], asked: Question): string[] {
  const after = Buffer.from(asked.after)
  const found = new Set<string>()
  for (const key of keys) {
    if (!key.startsWith(asked.prefix)) continue
    if (asked.after !== '' && Buffer.compare(Buffer.from(key), after) <= 0) continue
    const at = asked.delimiter === '' ? -1 : key.indexOf(asked.delimiter, asked.prefix.length)
    const entry = at < 0 ? key : key.slice(0, at + 1)
    // A version 1 marker that is a folded prefix says that it was seen.
    if (!asked.isV2 && asked.delimiter !== '' && asked.after.endsWith('/') && key.startsWith(asked.after)) continue
    found.add(entry)
  }
  return [...found]
}

function listAll(answers: ListingAnswers, asked: Question): string[] {
  const found: string[] = []
  let position: Record<string, string> =
    asked.after === '' ? {} : { [asked.isV2 ? 'start-after' : 'marker']: asked.after }
  for (;;) {
    const query = new URLSearchParams({
      ...(asked.isV2 ? { 'list-type': '2' } : {}),
      prefix: asked.prefix,
      delimiter: asked.delimiter,
      'max-keys': String(asked.max),
      ...(asked.isUrl ? { 'encoding-type': 'url' } : {}),
      ...position,
    })
    const xml = Buffer.concat(answers.answer(query).parts).toString()
    const read = (text: string) => (asked.isUrl ? decodeURIComponent(text.replaceAll('+', ' ')) : unescaped(text))
    const pattern = /<Contents><Key>([^<]*)<|<CommonPrefixes><Prefix>([^<]*)</g
    const page = [...xml.matchAll(pattern)]
      .map((match) => read((match[1] ?? match[2])!))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect(page.length).toBeLessThanOrEqual(asked.max)
    if (asked.isV2) expect(xml).toContain(`<KeyCount>${page.length}</KeyCount>`)
    found.push(...page)
    if (xml.includes('<IsTruncated>false<')) return found
    const token = /<NextContinuationToken>([^<]*)</.exec(xml)?.[1]
    position = token === undefined ? { marker: page.at(-1)! } : { 'continuation-token': token }
  }
}

function unescaped(text: string): string {
  return text
    .replace(/&#x([0-9a-f]+);/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
}
