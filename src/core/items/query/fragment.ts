/** A piece of SQL with its values apart, so that nothing a caller sent can become SQL text. Made by `sql`, joined by nesting. */
export interface Fragment {
  readonly parts: readonly string[]
  readonly values: readonly unknown[]
}

function isFragment(value: unknown): value is Fragment {
  return typeof value === 'object' && value !== null && 'parts' in value && 'values' in value
}

/**
 * Writes a piece of SQL: fragments inside it are joined in, everything else becomes a parameter.
 *
 * A parameter's type is what PostgreSQL infers; cast (`${x}::int`) where it cannot.
 */
export function sql(texts: TemplateStringsArray, ...insertions: readonly unknown[]): Fragment {
  const parts: string[] = [texts[0]!]
  const values: unknown[] = []
  for (const [index, insertion] of insertions.entries()) {
    const after = texts[index + 1]!
    if (isFragment(insertion)) {
      parts[parts.length - 1] += insertion.parts[0]!
      parts.push(...insertion.parts.slice(1))
      values.push(...insertion.values)
      parts[parts.length - 1] += after
    } else {
      values.push(insertion)
      parts.push(after)
    }
  }
  return { parts, values }
}

/** SQL text from our own source, for names of columns and tables; never for anything a caller sent. */
export function raw(text: string): Fragment {
  return { parts: [text], values: [] }
}

/** Joins fragments with a text between them. */
export function join(fragments: readonly Fragment[], between: string): Fragment {
  const parts: string[] = ['']
  const values: unknown[] = []
  for (const [index, fragment] of fragments.entries()) {
    parts[parts.length - 1] += (index === 0 ? '' : between) + fragment.parts[0]!
    parts.push(...fragment.parts.slice(1))
    values.push(...fragment.values)
  }
  return { parts, values }
}

/** The fragment as the driver takes it: text with `$1`, `$2`, … and the values in that order. */
export function toStatement(fragment: Fragment): { text: string; values: readonly unknown[] } {
  let text = fragment.parts[0]!
  for (let index = 1; index < fragment.parts.length; index++) text += `$${index}${fragment.parts[index]!}`
  return { text, values: fragment.values }
}

/** A condition: a fragment, or what is known to hold always (`true`) or never (`false`). */
export type Predicate = Fragment | boolean

/** All of the predicates hold. */
export function allOf(predicates: readonly Predicate[]): Predicate {
  const open: Fragment[] = []
  for (const predicate of predicates) {
    if (predicate === false) return false
    if (predicate !== true) open.push(predicate)
  }
  if (open.length === 0) return true
  return open.length === 1 ? open[0]! : sql`(${join(open, ' and ')})`
}

/** At least one of the predicates holds. */
export function anyOf(predicates: readonly Predicate[]): Predicate {
  const open: Fragment[] = []
  for (const predicate of predicates) {
    if (predicate === true) return true
    if (predicate !== false) open.push(predicate)
  }
  if (open.length === 0) return false
  return open.length === 1 ? open[0]! : sql`(${join(open, ' or ')})`
}

/** The predicate does not hold; what is unknown (null) counts as not holding, so its opposite does. */
export function not(predicate: Predicate): Predicate {
  return typeof predicate === 'boolean' ? !predicate : sql`(${predicate}) is not true`
}
