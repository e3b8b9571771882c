import type { Attribute, AttributeInput } from '#contract/ontologies.ts'
import { AppError } from '#lib/app-error.ts'

/** Attributes of one ontology. */
export const ATTRIBUTES_MAX = 1_000

/**
 * Puts attributes into an ontology's list by their keys: a known key gets what is given and keeps the rest, unless its type changes; an unknown one is added at
 * the end. Answers a new list, in the shape the SDK reads back (the title in `scriptData`).
 *
 * Throws `ontology.invalid` with the place: choices that are no texts, a slider without a range, too many; and for a key that is there already where
 * `upsert` is false.
 */
export function putAttributes(
  stored: readonly Attribute[],
  items: readonly AttributeInput[],
  upsert: boolean,
): Attribute[] {
  const list = [...stored]
  for (const [n, item] of items.entries()) {
    const at = list.findIndex(({ key }) => key === item.key)
    const before = at < 0 ? undefined : list[at]
    if (before !== undefined && !upsert) throw wrong(`items.${n}.key`, `there is an attribute “${item.key}” already`)
    const attribute = renderAttribute(item, before)
    checkAttribute(attribute, `items.${n}`)
    if (at < 0) list.push(attribute)
    else list[at] = attribute
  }
  if (list.length > ATTRIBUTES_MAX) throw wrong('items', `more than ${ATTRIBUTES_MAX} attributes`)
  return list
}

/** An ontology's attributes without those of the given keys; keys that name none are no fault. */
export function dropAttributes(stored: readonly Attribute[], keys: readonly string[]): Attribute[] {
  const dropped = new Set(keys)
  return stored.filter(({ key }) => !dropped.has(key))
}

function renderAttribute(item: AttributeInput, before: Attribute | undefined): Attribute {
  const { title, ...rest } = item
  const given = Object.fromEntries(Object.entries(rest).filter(([, part]) => part !== undefined && part !== null))
  const kept = before !== undefined && before.type === item.type ? before : undefined
  const optional = item.optional ?? kept?.optional
  return {
    scope: ['*'],
    ...kept,
    ...given,
    key: item.key,
    type: item.type,
    scriptData: { ...kept?.scriptData, title, ...(typeof optional === 'boolean' && { optional }) },
  }
}

function checkAttribute(attribute: Attribute, place: string): void {
  if (attribute.type !== 'range') return
  const { min, max, step } = attribute.range ?? {}
  if (typeof min !== 'number' || typeof max !== 'number') throw wrong(`${place}.range`, 'a slider needs min and max')
  if (min > max) throw wrong(`${place}.range`, 'min is greater than max')
  if (step !== undefined && step !== null && !(step > 0)) throw wrong(`${place}.range.step`, 'must be greater than 0')
}

function wrong(path: string, message: string): AppError {
  return new AppError('ontology.invalid', {
    message: `An attribute is described wrongly: ${message}.`,
    details: [{ path, message }],
  })
}
