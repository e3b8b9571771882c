import { type Compiled, itemOnly } from './compiled.ts'
import { refuse, type Test } from './condition.ts'
import { constantTest } from './constant.ts'
import type { ItemField } from './fields.ts'
import { allOf, anyOf, type Fragment, raw } from './fragment.ts'
import { timeTest } from './ordered.ts'
import { flagOf, many, one } from './values.ts'

// Missing, excluded and changed items are few among many, and each kind has an index that holds nothing else. Conditions are written as those indexes say
// them; «<>» where one does not hold, and not «= 0», because the planner takes an equality to be rare and a difference to be common.

const missing = raw('i.state = 1')
const notMissing = raw('i.state <> 1')
const changed = raw('(i.flags & 8) = 8')
const notChanged = raw('(i.flags & 8) <> 8')

/** How each state of an item shows in its row, and whether it has an index of its own. */
const states: readonly { readonly state: string; readonly where: Fragment; readonly isRare: boolean }[] = [
  { state: 'available', where: raw('(i.state = 0 and (i.flags & 4) = 0)'), isRare: false },
  { state: 'archived', where: raw('(i.state = 0 and (i.flags & 4) = 4)'), isRare: false },
  { state: 'missing', where: missing, isRare: true },
  { state: 'excluded', where: raw('i.state = 2'), isRare: true },
]

/** SQL of the time an item's file was found to be gone, in milliseconds; null while it is there. */
export const itemMissingMs = `round(date_part('epoch', i.missing_at) * 1000)::bigint`

/** A test of what syncs say about items: how they stand to their file, since when it is gone, whether it changed. */
export function markTest({ kind }: ItemField, test: Test): Compiled {
  if (kind === 'state') return stateTest(test)
  return kind === 'missingSince' ? missingSinceTest(test) : changedTest(test)
}

function stateTest(test: Test): Compiled {
  const fitting = states.filter(({ state }) => constantTest(state, test))
  if (fitting.length === states.length) return itemOnly(true)
  const compiled = itemOnly(anyOf(fitting.map(({ where }) => where)))
  return fitting.length === 1 && fitting[0]!.isRare ? { ...compiled, rare: fitting[0]!.where } : compiled
}

/** Only missing items have the time, so the state is asked for as well. */
function missingSinceTest(test: Test): Compiled {
  const isAbsent = test.op === '$exists' ? test.value === false : test.op === '$eq' && test.value === null
  if (isAbsent) return itemOnly(notMissing)
  if (test.op === '$exists') return { ...itemOnly(missing), rare: missing }
  return { ...itemOnly(allOf([missing, timeTest(itemMissingMs, test)])), rare: missing }
}

/** The mark is there or it is not. */
function changedTest(test: Test): Compiled {
  const is = (isChanged: boolean): Compiled =>
    isChanged ? { ...itemOnly(changed), rare: changed } : itemOnly(notChanged)
  if (test.op === '$exists') return is(test.value === true)
  if (test.op === '$in') {
    const wanted = new Set(many(test).map((value) => flagOf(value, test.place)))
    return wanted.size === 1 ? is(wanted.has(true)) : itemOnly(wanted.size === 2)
  }
  if (test.op !== '$eq') refuse(test.place, 'changedInStorage is true or false')
  return is(flagOf(one(test), test.place))
}
