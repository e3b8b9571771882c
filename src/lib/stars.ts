/** Whether a text is what a pattern says in which every `*` stands for any characters. Linear in the text: no regular expression is made of what callers send. */
export function matchesStars(text: string, pattern: string): boolean {
  const parts = pattern.split('*')
  const first = parts.shift()!
  const last = parts.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false
  let at = first.length
  for (const part of parts) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > text.length - last.length) return false
    at = found + part.length
  }
  return true
}
