type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * What makes `after` of `before` when it is merged (RFC 7396): names that are gone are null, what is the same is left out. Undefined where nothing changed.
 *
 * `after` must have no null outside of lists: a merge takes null as “away”.
 */
export function mergePatchOf(before: Json, after: Json): Json | undefined {
  const patch: [string, unknown][] = Object.keys(before)
    .filter((name) => !Object.hasOwn(after, name))
    .map((name) => [name, null])
  for (const [name, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined
    if (isObject(value) && isObject(old)) {
      const inner = mergePatchOf(old, value)
      if (inner !== undefined) patch.push([name, inner])
    } else if (!isSame(old, value)) patch.push([name, value])
  }
  return patch.length === 0 ? undefined : Object.fromEntries(patch)
}

/** Whether two JSON values are the same; the order of names says nothing. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, i) => isSame(each, b[i]))
  if (isObject(a) && isObject(b)) {
    const names = Object.keys(a)
    return (
      names.length === Object.keys(b).length &&
      names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]))
    )
  }
  return a === b
}

/** What somebody wrote: the metadata, or why it is none. */
export type Written =
  | { readonly value: Json }
  | { readonly fault: 'syntax'; readonly message: string }
  | { readonly fault: 'notObject' }
  | { readonly fault: 'null' | 'number'; readonly path: string }

/** Reads metadata as somebody wrote it. Nulls cannot be kept, and numbers that would come back as others are better texts. */
export function readMetadata(text: string): Written {
  let value: unknown
  let inexact: string | undefined
  try {
    value = JSON.parse(text.trim() === '' ? '{}' : text, (name, each: unknown) => {
      if (typeof each === 'number' && !(Math.abs(each) <= Number.MAX_SAFE_INTEGER) && inexact === undefined)
        inexact = name
      return each
    })
  } catch (error) {
    return { fault: 'syntax', message: error instanceof Error ? error.message : String(error) }
  }
  if (!isObject(value)) return { fault: 'notObject' }
  if (inexact !== undefined) return { fault: 'number', path: inexact }
  const path = nullPath(value, '')
  return path === null ? { value } : { fault: 'null', path }
}

function nullPath(value: Json, above: string): string | null {
  for (const [name, each] of Object.entries(value)) {
    const path = above === '' ? name : `${above}.${name}`
    if (each === null) return path
    const inner = isObject(each) ? nullPath(each, path) : null
    if (inner !== null) return inner
  }
  return null
}
