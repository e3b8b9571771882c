import type { SettingValueType } from '#contract/settings.ts'
import { AppError } from '#lib/app-error.ts'

const isText = (value: unknown) => typeof value === 'string'
const isNumber = (value: unknown) => typeof value === 'number'
const isChoice = (value: unknown) => isText(value) || isNumber(value)

/** What each kind of setting takes, and what a refusal calls that. */
const kinds: Readonly<Record<SettingValueType, { expected: string; takes(value: unknown): boolean }>> = {
  boolean: { expected: 'boolean', takes: (value) => typeof value === 'boolean' },
  number: { expected: 'number', takes: isNumber },
  string: { expected: 'string', takes: isText },
  select: { expected: 'string|number', takes: isChoice },
  'multi-select': { expected: 'array', takes: (value) => Array.isArray(value) && value.every(isChoice) },
}

/**
 * Refuses a value that is not of the kind its setting declares; null is no value and always fits. Throws `setting.invalid`.
 *
 * The words are the vendor's, whose scripts compare them. Of a flag that is given a text they say “Passed boolean Expected string”: what is declared first,
 * then what the value would want. So whichever of the two is boolean is the one that is called passed.
 */
export function checkValue(valueType: SettingValueType, value: unknown): void {
  const kind = kinds[valueType]
  if (value === null || value === undefined || kind.takes(value)) return
  const given = nameOf(value)
  const [passed, expected] = valueType === 'boolean' ? ['boolean', given] : [given, kind.expected]
  throw new AppError('setting.invalid', {
    message: `Invalid input specified, Incorrect value type passed - Passed ${passed} Expected ${expected}`,
    details: [{ path: 'value', message: `must be of type ${kind.expected}` }],
  })
}

function nameOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value
}
