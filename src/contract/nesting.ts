import { z } from 'zod'

/** Levels of objects and lists inside one another; whoever walks such JSON may then do it by recursion. */
export const JSON_LEVELS_MAX = 100

/**
 * A schema that takes JSON of `JSON_LEVELS_MAX` levels at most; for bodies with parts that are kept as they come, which no other schema bounds.
 *
 * It is looked at before the schema itself, which may be recursive: a request of 10,000 levels would end in a stack overflow there.
 */
export function bounded<T extends z.ZodType>(schema: T): z.ZodType<z.output<T>, z.input<T>> {
  const checked = z.preprocess((value, context) => {
    if (!isDeeperThan(value, JSON_LEVELS_MAX)) return value
    context.addIssue({ code: 'custom', message: `has more than ${JSON_LEVELS_MAX} levels inside one another` })
    return z.NEVER
  }, schema)
  // What a preprocessed schema takes is typed as unknown; it takes what the schema itself takes.
  return checked as unknown as z.ZodType<z.output<T>, z.input<T>>
}

/** Walks level by level with a list of its own, and ends at the bound. */
function isDeeperThan(json: unknown, levels: number): boolean {
  let level: unknown[] = [json]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true
    level = level
      .filter((value) => typeof value === 'object' && value !== null)
      .flatMap((value) => Object.values(value as object))
  }
  return false
}
