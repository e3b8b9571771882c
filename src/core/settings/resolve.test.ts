// Proves which settings count: of each name one, the narrowest that no wider one forbids, whatever order they were made in.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settingScopes } from '#contract/settings.ts'
import { winners } from './resolve.ts'

const row = fc.record({
  name: fc.constantFrom('a', 'b'),
  scopeType: fc.constantFrom(...settingScopes),
  scopeRole: fc.constantFrom('*' as const, 'engineer' as const),
  preventOverride: fc.boolean(),
})
const rows = fc.uniqueArray(row, { selector: (each) => `${each.name}/${each.scopeType}/${each.scopeRole}` })
const width = (each: { scopeType: (typeof settingScopes)[number] }) => settingScopes.indexOf(each.scopeType)

test('one of each name counts, and nothing else is between it and what forbids or begins', () => {
  fc.assert(
    fc.property(rows, (given) => {
      const kept = winners(given)
      expect(kept.map((each) => each.name).sort()).toEqual([...new Set(given.map((each) => each.name))].sort())
      for (const winner of kept) {
        const others = given.filter((each) => each.name === winner.name && each !== winner)
        // Nothing wider forbids it.
        expect(others.some((each) => each.preventOverride && width(each) < width(winner))).toBe(false)
        // What is narrower is forbidden by something that is not.
        const closed = [winner, ...others].some((each) => each.preventOverride && width(each) <= width(winner))
        for (const each of others) if (width(each) > width(winner)) expect(closed).toBe(true)
        // For a role goes before for everybody.
        const twin = others.find((each) => each.scopeType === winner.scopeType)
        if (twin !== undefined) expect(winner.scopeRole).toBe('engineer')
      }
    }),
  )
})

test('the order in which settings were made does not matter', () => {
  fc.assert(
    fc.property(
      rows.chain((given) => fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length }))),
      ([given, shuffled]) => {
        expect(new Set(winners(shuffled))).toEqual(new Set(winners(given)))
      },
    ),
  )
})
