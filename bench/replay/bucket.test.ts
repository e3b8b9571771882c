// Proves that a changing bucket is one truth for the server and for whoever checks an index of it: what is served after any changes is what a
// bucket that was always so would serve, the sums of the ledger are those of the served objects, and changes lie and weigh as they were asked for.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ABSENT, Bucket, type Change, runsPerChange } from './bucket.ts'
import { SetSummer } from './entry.ts'
import { layoutNames, makeLayout } from './layouts.ts'
import { BucketLedger } from './ledger.ts'
import { ListingAnswers } from './listing.ts'

const changes = fc.array(
  fc.record({
    kind: fc.constantFrom<Change['kind']>('clustered', 'spread'),
    share: fc.constantFrom(0, 0.001, 0.01, 0.2, 1),
  }),
  { maxLength: 5 },
)

function slotsOf(bucket: Bucket): number[] {
  return Array.from({ length: bucket.keys.count }, (_, slot) => slot)
}

describe('whatever the changes', () => {
  it('serves after them what a server started later would serve, page by page', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...layoutNames),
        fc.integer({ min: 1, max: 5_000 }),
        changes,
        fc.boolean(),
        (name, count, steps, isUrl) => {
          const bucket = new Bucket(makeLayout(name, count), true)
          const patched = new ListingAnswers(bucket, 'bench', 1e8)
          patched.renderAhead()
          for (const step of steps) {
            bucket.change(step)
            patched.renderChanged()
          }
          // One that may keep nothing renders every page from the formulas.
          expect(wholeListing(patched, isUrl)).toEqual(wholeListing(new ListingAnswers(bucket, 'bench', 0), isUrl))
        },
      ),
      { numRuns: 30 },
    )
  })

  it('knows in its ledger what is there, what is gone and what became of the rest', () => {
    fc.assert(
      fc.property(fc.constantFrom(...layoutNames), fc.integer({ min: 1, max: 500 }), changes, (name, count, steps) => {
        const bucket = new Bucket(makeLayout(name, count), true)
        const ledger = new BucketLedger(new Bucket(makeLayout(name, count), true))
        // An index kept up by hand: what was ever there, in its last version.
        const index = new Map<number, { version: number; isThere: boolean }>()
        for (const slot of slotsOf(bucket))
          if (bucket.versionAt(slot) === 0) index.set(slot, { version: 0, isThere: true })
        for (const step of steps) {
          bucket.change(step)
          const counts = { added: 0, changed: 0, gone: 0, returned: 0 }
          for (const slot of slotsOf(bucket)) {
            const [known, version] = [index.get(slot), bucket.versionAt(slot)]
            if (version === ABSENT) {
              if (known?.isThere) counts.gone += 1
              if (known) index.set(slot, { ...known, isThere: false })
            } else {
              if (known === undefined) counts.added += 1
              else if (!known.isThere) counts.returned += 1
              else if (known.version !== version) counts.changed += 1
              index.set(slot, { version, isThere: true })
            }
          }
          expect(ledger.change(step)).toEqual(counts)
        }
        const present = new SetSummer()
        const gone = new SetSummer()
        for (const [slot, { version, isThere }] of index) {
          const { sizeBytes, etag } = bucket.factsOf(slot, version)
          const summer = isThere ? present : gone
          summer.add(bucket.keys.keyAt(slot), sizeBytes, etag)
        }
        expect([ledger.present, ledger.gone]).toEqual([present.sum(), gone.sum()])
      }),
      { numRuns: 60 },
    )
  })
})

describe.each(layoutNames)('%s', (name) => {
  it('is the layout itself before any change, and its keys ascend in bytes with room for more', () => {
    const layout = makeLayout(name, 2_000)
    const bucket = new Bucket(layout, true)
    const there = slotsOf(bucket).filter((slot) => bucket.versionAt(slot) !== ABSENT)
    expect(there.map((slot) => bucket.keys.keyAt(slot))).toEqual(
      Array.from({ length: 2_000 }, (_, index) => layout.keyAt(index)),
    )
    for (let slot = 1; slot < bucket.keys.count; slot++)
      expect(Buffer.compare(Buffer.from(bucket.keys.keyAt(slot - 1)), Buffer.from(bucket.keys.keyAt(slot)))).toBe(-1)
  })
})

describe('a change of one in a hundred of 100,000', () => {
  const touchedBy = (kind: Change['kind']) => {
    const bucket = new Bucket(makeLayout('realistic', 100_000), true)
    bucket.change({ kind: 'spread', share: 0.5 })
    bucket.change({ kind, share: 0.01 })
    return slotsOf(bucket).filter((slot) => slot % 2 === 0 && bucket.isTouched(slot))
  }

  it('lies in ten runs when it is clustered, all over when it is spread', () => {
    const runs = (slots: readonly number[]) => slots.filter((slot, i) => slots[i - 1] !== slot - 2).length
    const [clustered, spread] = [touchedBy('clustered'), touchedBy('spread')]
    expect([clustered.length, runs(clustered)]).toEqual([1_000, runsPerChange])
    expect(Math.abs(spread.length - 1_000)).toBeLessThan(150)
    expect(runs(spread)).toBeGreaterThan(900)
  })

  it('overwrites eight in ten, removes one and adds one', () => {
    for (const kind of ['clustered', 'spread'] as const) {
      const counts = new BucketLedger(new Bucket(makeLayout('realistic', 100_000), true)).change({ kind, share: 0.01 })
      expect(Math.abs(counts.changed - 800)).toBeLessThan(120)
      expect(Math.abs(counts.gone - 100)).toBeLessThan(50)
      expect(Math.abs(counts.added - 100)).toBeLessThan(50)
      expect(counts.returned).toBe(0)
    }
  })
})

/** Every page from the first to the last. */
function wholeListing(answers: ListingAnswers, isUrl: boolean): string[] {
  const pages: string[] = []
  for (let token: string | undefined; ; ) {
    const query = new URLSearchParams({
      'list-type': '2',
      ...(isUrl ? { 'encoding-type': 'url' } : {}),
      ...(token === undefined ? {} : { 'continuation-token': token }),
    })
    const xml = Buffer.concat(answers.answer(query).parts).toString()
    pages.push(xml)
    token = /<NextContinuationToken>([^<]*)</.exec(xml)?.[1]
    if (token === undefined) return pages
  }
}
