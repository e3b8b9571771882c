// Proves that taking one key apart says exactly what a listing's batch says of it: item with the same folder, name and flags, or the same reason for none.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Batch } from '#core/sync/rows/batch.ts'
import { FolderStack, FolderTree } from '#core/sync/rows/folder.ts'
import { encodedFacts } from '#core/sync/rows/row-buffer.ts'
import { pageOf } from '#storage/entry-page.ts'
import type { MediaTypes } from './media-types.ts'
import { placeOf } from './place.ts'

const types = { numberOf: () => 1 } as unknown as MediaTypes

/** What a batch of a listing makes of a key with bytes in it. */
function listed(key: Buffer) {
  const batch = new Batch(1, { datasetNo: 1, ticket: 1, folderBytes: 0, types, patterns: null })
  const range = { no: 1, from: Buffer.alloc(0), to: null, cursor: Buffer.alloc(0), isDone: false, keys: 0 }
  const page = pageOf([{ key, sizeBytes: 1, etag: 'x', modifiedMs: 0 }], { prefixes: [], token: undefined })
  batch.takePage(range, page, { cursor: key, isDone: true }, new FolderStack(new FolderTree('.dataloop')))
  if (batch.counts.hidden === 1) return { kind: 'own' }
  if (batch.skipped.length === 1) return { kind: 'skipped', reason: batch.skipped[0]!.reason }
  const facts = encodedFacts(batch.rows, 0)
  const { path } = batch.deltas[batch.rows.folderOf(0)]!.folder
  return { kind: 'item', path, name: facts.name.toString(), flags: facts.flags }
}

const part = fc.oneof(
  fc.constantFrom(
    '',
    '.',
    '..',
    '...',
    '.dataloop',
    '.dataloop2',
    '.hidden',
    'a',
    'é',
    '日本',
    '😀',
    ' ',
    '\u0001',
    '\\',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
)

test('keys of every kind', () => {
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const key = Buffer.from(parts.join('/').toWellFormed())
      fc.pre(key.length > 0)
      expect(placeOf(key, '.dataloop')).toEqual(listed(key))
    }),
    { numRuns: 1_000 },
  )
})

test('bytes that are no text, and parts that are too long', () => {
  const long = Buffer.alloc(2_601, 'x')
  const keys = [
    Buffer.of(0x61, 0xff, 0x2f, 0x62),
    Buffer.of(0x61, 0x2f, 0xff),
    Buffer.from('a\0b'),
    Buffer.from('\0/b'),
    long,
    Buffer.concat([long, Buffer.from('/a')]),
    long.subarray(1),
    Buffer.concat([long.subarray(2), Buffer.from('/a')]),
    Buffer.from('/'),
    Buffer.from('//'),
  ]
  for (const key of keys) expect(placeOf(key, '.dataloop')).toEqual(listed(key))
})
