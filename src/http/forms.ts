import { AppError } from '#lib/app-error.ts'

/**
 * Reads `a=b&c=d`, as it stands in a query or in a form body.
 *
 * Strict, because a key of storage may stand in it and must arrive byte for byte: a `%` that is no escape and bytes that are no UTF-8 are refused
 * (400) instead of repaired. A name that comes twice gives a list; empty pieces (`&&`, which the SDK sends) are skipped.
 */
export function parseForm(text: string): Record<string, string | string[]> {
  const fields = new Map<string, string | string[]>()
  for (const piece of text.split('&')) {
    if (piece === '') continue
    const equals = piece.indexOf('=')
    const name = decode(equals < 0 ? piece : piece.slice(0, equals))
    const value = equals < 0 ? '' : decode(piece.slice(equals + 1))
    const before = fields.get(name)
    fields.set(name, before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value])
  }
  return Object.fromEntries(fields)
}

/** The fields of an address's query. */
export function parseQuery(url: string): Record<string, string | string[]> {
  const mark = url.indexOf('?')
  return mark < 0 ? {} : parseForm(url.slice(mark + 1))
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw new AppError('request.invalid', {
      message: 'A percent escape of the request is malformed, or does not give UTF-8.',
      cause,
    })
  }
}
