// Proves that the chain of checks stops where the answer says, says nothing of what nobody looked at, and agrees with what the storage said.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Explanation, explanations, type RemarkCode, remarks } from '#contract/explain.ts'
import { chainOf, steps, verdictOf } from './chain.ts'

function told(code: Explanation['code'], found: boolean | null, remarked: RemarkCode[] = []) {
  return {
    code,
    storage: { found, sizeBytes: null, modifiedAt: null, error: found === null ? 'storage.unavailable' : null },
    remarks: remarked.map((each) => ({ code: each, message: remarks[each] })),
  }
}

const states = (...given: Parameters<typeof told>) =>
  Object.fromEntries(chainOf(told(...given)).map(({ step, state }) => [step, state]))

const anyTold = fc
  .record({
    code: fc.constantFrom(...(Object.keys(explanations) as Explanation['code'][])),
    found: fc.constantFrom(true, false, null),
    remarked: fc.uniqueArray(fc.constantFrom(...(Object.keys(remarks) as RemarkCode[]))),
  })
  .map(({ code, found, remarked }) => told(code, found, remarked))

describe('the chain', () => {
  test('of a file that a sync has to come to stops at the last step', () => {
    const chain = states('not-synced', true)
    expect(chain.sync).toBe('stopped')
    expect(Object.values(chain).filter((state) => state !== 'passed')).toEqual(['stopped'])
  })

  test('of a file outside the folder says nothing of the storage', () => {
    expect(states('outside-folder', null)).toMatchObject({ connected: 'passed', folder: 'stopped', storage: 'unasked' })
  })

  test('of an item whose file is there has passed', () => {
    expect(new Set(Object.values(states('indexed', true)))).toEqual(new Set(['passed']))
  })

  test('of an item whose file went since the sync says so', () => {
    expect(states('indexed', false, ['gone-since'])).toMatchObject({ storage: 'stopped', sync: 'remark' })
    expect(verdictOf(told('indexed', false, ['gone-since']))).toBe('mind')
  })

  test('of a missing file that is back waits for a sync', () => {
    expect(states('missing', true, ['back-since'])).toMatchObject({ storage: 'passed', sync: 'stopped' })
  })

  test('tells every step once, in order; none after the stop, unless the storage alone says no', () => {
    fc.assert(
      fc.property(anyTold, (given) => {
        const chain = chainOf(given)
        expect(chain.map(({ step }) => step)).toEqual(steps)
        const first = chain.findIndex(({ state }) => state === 'unasked')
        if (first >= 0) expect(chain.slice(first).every(({ state }) => state === 'unasked')).toBe(true)
        const storage = chain.find(({ step }) => step === 'storage')!.state
        if (given.storage.found !== true) expect(storage).not.toBe('passed')
        if (given.storage.found === true) expect(['passed', 'unasked']).toContain(storage)
      }),
    )
  })
})
