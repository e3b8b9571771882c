/** What a `Range` header asks of a file: all of it, some bytes (both ends inclusive), or bytes it does not have. */
export type RangeAnswer =
  | { readonly kind: 'all' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' }

/**
 * Reads a `Range` header for a file of `sizeBytes`.
 *
 * Several ranges, other units and malformed headers ask for all, as the standard allows. So does `bytes=0-` of an empty file, which the vendor's SDK sends.
 * Source: https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function readRange(header: string | undefined, sizeBytes: number): RangeAnswer {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? '')
  if (match === null) return { kind: 'all' }
  const [, first, last] = match as unknown as [string, string, string]
  if (first === '') {
    if (last === '') return { kind: 'all' }
    const length = Number(last)
    if (length === 0) return { kind: 'unsatisfiable' }
    return sizeBytes === 0
      ? { kind: 'all' }
      : { kind: 'part', start: Math.max(0, sizeBytes - length), end: sizeBytes - 1 }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return { kind: 'all' }
  if (start === 0 && sizeBytes === 0) return { kind: 'all' }
  if (start >= sizeBytes) return { kind: 'unsatisfiable' }
  return { kind: 'part', start, end: last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) }
}
