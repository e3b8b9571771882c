// Proves, without a clock, that hostile key spaces cost few requests more than they have pages and are listed at no less than 0.7 of the usual
// rate; that quantiles of an index spare the search; and that quantiles of another bucket do no harm. Every walk checks that each key came once.
import { describe, expect, test } from 'vitest'
import { seedRanges } from '#test/support/seed-ranges.ts'
import { type LayoutName, layoutNames, makeLayout } from './layouts.ts'
import { type VirtualRun, walkVirtually } from './virtual.ts'

const connections = 64
const million = 1_000_000

/** Keys of a layout as an index would sample them. */
function sampled(name: LayoutName, objects: number, count: number): Buffer[] {
  const layout = makeLayout(name, objects)
  return Array.from({ length: count }, (_, n) => Buffer.from(layout.keyAt(Math.floor(((n + 0.5) * objects) / count))))
}

const run = (
  name: LayoutName,
  objects: number,
  latencyMs: number,
  seeds: readonly Buffer[] = [],
): Promise<VirtualRun> =>
  walkVirtually(makeLayout(name, objects), {
    connections,
    latencyMs,
    ...(seeds.length === 0
      ? {}
      : { marks: seeds, ranges: seedRanges(seeds, { prefix: Buffer.alloc(0), rangesMax: connections }) }),
  })

describe.each([60, 0])('a million keys at %s ms a request', (latencyMs) => {
  const usual = run('realistic', million, latencyMs)

  test.each(layoutNames)('%s', async (name) => {
    const found = await run(name, million, latencyMs)
    expect(found.requests).toBeLessThan(1.25 * (million / 1000))
    expect(found.listedPerKey).toBeLessThan(1.2)
    expect((await usual).seconds / found.seconds).toBeGreaterThan(0.7)
  })
})

test.each(layoutNames)('a tenth of that is not shattered: %s', async (name) => {
  const found = await run(name, million / 10, 60)
  expect(found.requests).toBeLessThan(2 * (million / 10 / 1000))
  expect(found.listedPerKey).toBeLessThan(1.6)
})

test.each(layoutNames)('a few pages cost few requests: %s', async (name) => {
  expect((await run(name, 3_000, 60)).requests).toBeLessThan(20)
  expect((await run(name, 900, 60)).requests).toBe(1)
})

describe('with keys of an earlier index', () => {
  test.each(layoutNames)('%s needs no search', async (name) => {
    const found = await run(name, million, 60, sampled(name, million, 1000))
    expect(found.requests).toBeLessThan(1.12 * (million / 1000))
    expect(found.seconds).toBeLessThan((await run(name, million, 60)).seconds)
  })

  test('twenty times as many keys as there were', async () => {
    const found = await run('flat', million, 60, sampled('flat', million / 20, 1000))
    expect(found.requests).toBeLessThan(1.35 * (million / 1000))
    expect((await run('flat', million, 60)).seconds / found.seconds).toBeGreaterThan(0.5)
  })

  test('keys of quite another bucket', async () => {
    for (const name of layoutNames) {
      const found = await run(name, million, 60, sampled(name === 'utf8' ? 'hex' : 'utf8', million, 1000))
      expect(found.requests, name).toBeLessThan(1.35 * (million / 1000))
      expect((await run(name, million, 60)).seconds / found.seconds, name).toBeGreaterThan(0.4)
    }
  })
})
