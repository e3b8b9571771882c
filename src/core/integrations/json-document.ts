/** Deepest nesting of a credential document; those that providers hand out have three levels. */
const DEPTH_MAX = 16

/** A credential document as it was read, or why it is not; the sentence never repeats any of it. */
export type JsonDocument =
  | { readonly document: Readonly<Record<string, unknown>> }
  | { readonly problem: string | null }

/**
 * Reads the text of a JSON object that somebody else wrote, and takes nothing that two readers could take for different things: a name that stands
 * twice in one object, `__proto__`, a text with NUL. For everything that parses credentials.
 *
 * `problem` is null where the text is simply no JSON object: the caller knows what it should have been.
 */
export function readDocument(text: string): JsonDocument {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own error quotes the text, so it is dropped.
    return { problem: null }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { problem: null }
  const problem = structureProblem(text)
  return problem === null ? { document: value as Record<string, unknown> } : { problem }
}

/** What is wrong with a text that is known to be JSON; read sign by sign, because a parsed object no longer shows it. */
function structureProblem(text: string): string | null {
  /** The names of each object on the way here; null for a list. */
  const open: (Set<string> | null)[] = []
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (sign === '{' || sign === '[') {
      open.push(sign === '{' ? new Set() : null)
      if (open.length > DEPTH_MAX) return 'It is nested deeper than any credentials are.'
    } else if (sign === '}' || sign === ']') open.pop()
    else if (sign === '"') {
      const end = stringEnd(text, at)
      const content = JSON.parse(text.slice(at, end + 1)) as string
      if (content.includes('\0')) return 'It has a text with a NUL character.'
      const names = open.at(-1)
      if (names && isName(text, end)) {
        if (content === '__proto__') return 'It has a name that no credentials have.'
        if (names.has(content)) return 'It has the same name twice in one object; which one counts nobody could tell.'
        names.add(content)
      }
      at = end
    }
  }
  return null
}

/** Place of the quotation mark that ends a string of JSON. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at
  }
}

/** Whether the string that ends here is a name: a colon follows, after any white space. */
function isName(text: string, end: number): boolean {
  let at = end + 1
  while (' \t\n\r'.includes(text[at]!)) at++
  return text[at] === ':'
}
