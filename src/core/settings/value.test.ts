// Proves which values a setting of each kind takes, and the words in which it refuses the others.
import { expect, test } from 'vitest'
import { type SettingValueType, settingValueTypes } from '#contract/settings.ts'
import { checkValue } from './value.ts'

const good: Readonly<Record<SettingValueType, readonly unknown[]>> = {
  boolean: [true, false],
  number: [0, -1.5],
  string: ['', 'a'],
  select: ['a', 3],
  'multi-select': [[], ['a', 3]],
}

test.each(settingValueTypes)('%s takes its own values, nothing at all, and no others', (type) => {
  for (const value of [...good[type], null, undefined]) expect(() => checkValue(type, value)).not.toThrow()
  for (const value of [true, 7, 'x', [], [[]], {}]) {
    const belongs = type === 'select' ? ['string', 'number'].includes(typeof value) : false
    const fits =
      belongs || typeof value === type || (type === 'multi-select' && Array.isArray(value) && value.length === 0)
    if (fits) expect(() => checkValue(type, value)).not.toThrow()
    else expect(() => checkValue(type, value)).toThrow('Invalid input specified, Incorrect value type passed - Passed ')
  }
})

test.each([
  ['boolean', 'a text', 'Passed boolean Expected string'],
  ['boolean', 123, 'Passed boolean Expected number'],
  ['string', true, 'Passed boolean Expected string'],
  ['number', true, 'Passed boolean Expected number'],
  ['select', true, 'Passed boolean Expected string|number'],
  ['number', 'a text', 'Passed string Expected number'],
] as const)('a %s that is given %j says what the vendor says', (type, value, words) => {
  expect(() => checkValue(type, value)).toThrow(`Incorrect value type passed - ${words}`)
})
