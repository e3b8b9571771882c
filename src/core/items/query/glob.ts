/** One piece of a pattern. `part` stays within a path segment, `any` crosses `/`, `dirs` is `**` + `/`: any number of whole segments. */
export type GlobPiece = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'part' | 'any' | 'dirs' }

/**
 * How `*` is read. `path` (filename): `*` stays within a segment and `**` crosses; `**` + `/` at the start of a segment also stands for nothing.
 * `flat` (dir, name, mimetype, metadata): every `*` crosses `/`.
 */
export type GlobMode = 'path' | 'flat'

/** Whether a text is a pattern; only `*` is special, because `?`, `[` and `\` are ordinary in keys. */
export function hasWildcard(text: string): boolean {
  return text.includes('*')
}

/** Cuts a pattern into pieces; texts are never empty and never follow each other. */
export function parseGlob(pattern: string, mode: GlobMode): readonly GlobPiece[] {
  const pieces: GlobPiece[] = []
  for (const match of pattern.matchAll(/\*+\/?|[^*]+/g)) {
    const [run] = match
    if (!run.startsWith('*')) {
      addText(pieces, run)
      continue
    }
    const stars = run.endsWith('/') ? run.length - 1 : run.length
    const isSlashAfter = stars < run.length
    const isSegmentStart = match.index === 0 || pattern[match.index - 1] === '/'
    if (mode === 'path' && stars > 1 && isSlashAfter && isSegmentStart) {
      pieces.push({ kind: 'dirs' })
    } else {
      pieces.push({ kind: mode === 'path' && stars === 1 ? 'part' : 'any' })
      if (isSlashAfter) addText(pieces, '/')
    }
  }
  return pieces
}

function addText(pieces: GlobPiece[], text: string): void {
  const last = pieces.at(-1)
  if (last?.kind === 'text') pieces[pieces.length - 1] = { kind: 'text', text: last.text + text }
  else pieces.push({ kind: 'text', text })
}

/** What every match starts with. */
export function literalPrefix(pieces: readonly GlobPiece[]): string {
  const first = pieces[0]
  return first?.kind === 'text' ? first.text : ''
}

/** Escapes a text for LIKE with its standard escape, the backslash. */
export function likeText(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}

/** The pattern for LIKE, or null when LIKE cannot say it: it knows no wildcard that stops at `/`. */
export function toLike(pieces: readonly GlobPiece[]): string | null {
  let like = ''
  for (const piece of pieces) {
    if (piece.kind === 'text') like += likeText(piece.text)
    else if (piece.kind === 'any') like += '%'
    else return null
  }
  return like
}

/**
 * The pattern as a regular expression in the syntax PostgreSQL and JavaScript share.
 *
 * Everything the caller wrote is escaped to literals; what is left are three fixed groups without back references, which PostgreSQL matches without
 * backtracking. `.` must match a newline: PostgreSQL's does, JavaScript's needs the flag `s`.
 */
export function toRegex(pieces: readonly GlobPiece[]): string {
  let regex = '^'
  for (const piece of pieces) {
    if (piece.kind === 'text') regex += regexText(piece.text)
    else if (piece.kind === 'any') regex += '.*'
    else regex += piece.kind === 'part' ? '[^/]*' : '(?:.*/)?'
  }
  return `${regex}$`
}

/** Escapes a text to a literal of a regular expression. */
export function regexText(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/** Most wildcards of one pattern, to bound the work of matching it. */
export const WILDCARDS_MAX = 32

/** How many wildcards a pattern has; a run of stars is one. */
export function wildcardsOf(pattern: string): number {
  return pattern.match(/\*+/g)?.length ?? 0
}
