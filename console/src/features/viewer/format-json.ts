const TOKEN = /\s+|[{}[\],:]|"(?:[^"\\]|\\.)*"|[^\s{}[\],:"]+/gy

/**
 * JSON with a line for each value; null for what is no JSON. Only the blanks change: large numbers, repeated names and escapes are shown as they stand in
 * the file, which parsing and writing would not do.
 */
export function formatJson(text: string): string | null {
  try {
    JSON.parse(text)
  } catch {
    return null
  }
  const parts: string[] = []
  let depth = 0
  let last = ''
  const line = () => `\n${'  '.repeat(depth)}`
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.trim() === '') continue
    const isEnd = token === '}' || token === ']'
    if (isEnd) depth--
    const isOpen = last === '{' || last === '['
    if (isEnd ? !isOpen : isOpen || last === ',') parts.push(line())
    if (token === '{' || token === '[') depth++
    parts.push(token === ':' ? ': ' : token)
    last = token
  }
  return parts.join('')
}
