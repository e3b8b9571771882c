// Proves that List Blobs answers are read exactly, and that one which is cut, foreign, contradictory or no listing at all is refused and never taken for a
// shorter one.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blobPage, type PageBlob } from '#test/fakes/blob-page.ts'
import { PageMemory } from '../http/page-memory.ts'
import type { ListPage } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { type BlobListQuestion, openBlobPage } from './list-page.ts'

const container = 'photos'

function open(body: string | Buffer, asked: Partial<BlobListQuestion> = {}): ListPage {
  const bytes = Buffer.from(body)
  const memory = new PageMemory()
  memory.reserveBody(bytes.length, 0)
  bytes.copy(memory.body)
  const question = { container, prefix: Buffer.alloc(0), isDelimited: false, ...asked }
  return openBlobPage(memory, bytes.length, question, () => {})
}

function read(page: ListPage) {
  const found: { name: string; sizeBytes: number; etag: string; modifiedMs: number; isArchived: boolean }[] = []
  const { entries } = page
  while (entries.next()) {
    found.push({
      name: entries.keyBytes.toString('utf8', entries.keyStart, entries.keyEnd),
      sizeBytes: entries.sizeBytes,
      etag: entries.etagBytes.toString('latin1', entries.etagStart, entries.etagEnd),
      modifiedMs: entries.modifiedMs,
      isArchived: entries.isArchived,
    })
  }
  return found
}

function refusal(body: string | Buffer, asked: Partial<BlobListQuestion> = {}): { kind: string; message: string } {
  try {
    open(body, asked)
  } catch (error) {
    expect(error).toBeInstanceOf(StorageError)
    const { kind, message, facts } = error as StorageError
    expect(facts).toMatchObject({ provider: 'azure', op: 'list' })
    return { kind, message }
  }
  throw new Error('nothing was thrown')
}

const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 30 })
  .filter((text) => !/[\u0000-\u001f\u007f\ufffe\uffff\r\n]/.test(text) && text.isWellFormed())
const blob: fc.Arbitrary<PageBlob> = fc.record({
  name,
  sizeBytes: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  modifiedMs: fc.integer({ min: 1_000_000_000, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
  etag: fc.constantFrom('0x8DBE5A1C2B3D4E5', '"0x8DB"', 'a&b'),
  tier: fc.constantFrom('Hot', 'Cool', 'Cold', 'Archive'),
  isEncoded: fc.boolean(),
  metadata: fc.constantFrom({}, { note: '<&>' }, { hdi_isfolder: 'true' }, { other: 'x', hdi_isfolder: 'false' }),
})

describe('what is right is read', () => {
  test('any page gives back what was put into it, in its order', () => {
    const pages = fc.uniqueArray(blob, { selector: (one) => one.name, maxLength: 30 })
    fc.assert(
      fc.property(pages, fc.constantFrom('', 'next&marker'), (blobs, next) => {
        const page = open(blobPage({ container, blobs, next }))
        expect([page.count, page.isTruncated, page.token]).toEqual([blobs.length, next !== '', next || undefined])
        expect(page.lastKey?.toString()).toBe(blobs.at(-1)?.name)
        expect(read(page)).toEqual(
          blobs.map(({ name, sizeBytes, etag, modifiedMs, tier }) => ({
            name,
            sizeBytes,
            etag: etag!.replaceAll('"', ''),
            modifiedMs,
            isArchived: tier === 'Archive',
          })),
        )
      }),
    )
  })

  test('directories are markers, however they are told; what holds bytes is a file', () => {
    const blobs: PageBlob[] = [
      { name: 'a', isDirectory: true },
      { name: 'b', metadata: { hdi_isfolder: 'true' } },
      { name: 'c', metadata: { other: 'x', Hdi_IsFolder: 'True' } },
      { name: 'd/', metadata: { hdi_isfolder: 'true' } },
      { name: 'e', metadata: { hdi_isfolder: 'true' }, sizeBytes: 1 },
      { name: 'f', metadata: { hdi_isfolder: 'false' } },
      { name: 'g & h', isDirectory: true, isEncoded: true },
    ]
    expect(read(open(blobPage({ container, blobs }))).map((one) => one.name)).toEqual([
      'a/',
      'b/',
      'c/',
      'd/',
      'e',
      'f',
      'g & h/',
    ])
  })

  test('snapshots, old versions and deleted blobs are left out', () => {
    const blobs: PageBlob[] = [
      { name: 'a', extra: '<Snapshot>2026-01-01T00:00:00.0000000Z</Snapshot>' },
      { name: 'a', extra: '<VersionId>x</VersionId><IsCurrentVersion>true</IsCurrentVersion>' },
      { name: 'b', extra: '<VersionId>x</VersionId><IsCurrentVersion>false</IsCurrentVersion>' },
      { name: 'c', extra: '<Deleted>true</Deleted>' },
      { name: 'd', extra: '<Deleted>false</Deleted><Snapshot />' },
    ]
    const page = open(blobPage({ container, blobs }))
    expect([page.count, read(page).map((one) => one.name)]).toEqual([2, ['a', 'd']])
  })

  test('folded folders, and a page with nothing on it that says that more follows', () => {
    const body = blobPage({ container, prefix: 'x/', delimiter: '/', blobs: [{ name: 'x/f' }], prefixes: ['x/é&/'] })
    const page = open(body, { prefix: Buffer.from('x/'), isDelimited: true })
    expect([page.prefixes.map(String), page.count]).toEqual([['x/é&/'], 1])
    const empty = open(blobPage({ container, blobs: [], next: 'more' }))
    expect([empty.count, empty.lastKey, empty.token]).toEqual([0, null, 'more'])
  })
})

describe('what is not a whole, fitting page is refused', () => {
  const blobs = Array.from({ length: 6 }, (_, i): PageBlob => ({ name: `dir/é ${i}&.jpg`, metadata: { a: 'b' } }))
  const whole = Buffer.from(blobPage({ container, prefix: 'dir/', blobs, next: 'more' }))
  const asked = { prefix: Buffer.from('dir/') }

  test('the page itself is right', () => {
    expect(open(whole, asked).count).toBe(6)
  })

  test('cut at every byte', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(['invalid', 'not-a-storage']).toContain(refusal(whole.subarray(0, length), asked).kind)
    }
  })

  test('any byte changed: refused, or read without losing an entry', () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const bent = Buffer.from(whole)
        bent[at] = byte
        try {
          expect(open(bent, asked).count).toBe(6)
        } catch (error) {
          expect(error).toBeInstanceOf(StorageError)
        }
      }),
      { numRuns: 3000 },
    )
  })

  const page = whole.toString()
  test.each<[string, string, string, Partial<BlobListQuestion>?]>([
    ['an empty body', '', 'not-a-storage'],
    ['a web page', '<!DOCTYPE html><html><body>Log in</body></html>', 'not-a-storage'],
    ['JSON', '{"blobs":[]}', 'not-a-storage'],
    ['an error', '<?xml version="1.0"?><Error><Code>x</Code></Error>', 'invalid'],
    ['S3’s listing', '<ListBucketResult><Name>photos</Name></ListBucketResult>', 'invalid'],
    ['another container', page, 'invalid', { container: 'other' }],
    ['another folder', page, 'invalid', { prefix: Buffer.from('dir') }],
    ['no folder', page, 'invalid', { prefix: Buffer.alloc(0) }],
    ['the marker it came from', page, 'invalid', { token: 'more' }],
    ['no marker', page.replace(/<NextMarker>.*<\/NextMarker>/, ''), 'invalid'],
    ['two markers', page.replace('<NextMarker>', '<NextMarker /><NextMarker>'), 'invalid'],
    ['no list', page.replace(/<Blobs>.*<\/Blobs>/, ''), 'invalid'],
    ['two lists', page.replace('<NextMarker>', '<Blobs /><NextMarker>'), 'invalid'],
    ['a name outside the folder', page.replace('<Name>dir/', '<Name>dib/'), 'invalid'],
    ['an empty name', page.replace(/<Name>[^<]*<\/Name>/, '<Name></Name>'), 'invalid'],
    ['a blob twice', page.replace('é 1', 'é 0'), 'invalid'],
    ['two names', page.replace('</Name>', '</Name><Name>dir/x</Name>'), 'invalid'],
    ['no size', page.replace(/<Content-Length>0<\/Content-Length>/, ''), 'invalid'],
    ['a size that is none', page.replace('<Content-Length>0', '<Content-Length>-1'), 'invalid'],
    ['no date', page.replace(/<Last-Modified>[^<]*<\/Last-Modified>/, ''), 'invalid'],
    ['a date that is none', page.replace(/<Last-Modified>.../, '<Last-Modified>'), 'invalid'],
    [
      'folders that nobody asked for',
      page.replace('</Blobs>', '<BlobPrefix><Name>dir/a/</Name></BlobPrefix></Blobs>'),
      'invalid',
    ],
    ['something else in the list', page.replace('</Blobs>', '<Blub /></Blobs>'), 'invalid'],
    ['something behind the end', `${page}<x/>`, 'invalid'],
    ['a comment', page.replace('<Blobs>', '<!-- x --><Blobs>'), 'invalid'],
    ['an unknown entity', page.replace('<Name>dir/', '<Name>dir/&x;'), 'invalid'],
  ])('%s', (_, body, kind, question) => {
    const found = refusal(body, { ...asked, ...question })
    expect(found.kind).toBe(kind)
    expect(found.message).not.toMatch(/<|dir\//)
  })
})
