import { AppError } from '#lib/app-error.ts'
import { mergePatch } from '#lib/merge-patch.ts'

/** An item's document: what people and programs added to its `metadata`. */
export type Document = Readonly<Record<string, unknown>>

/** Names below `metadata.system` that the columns tell; whatever somebody sends for them is not kept. */
const told = ['size', 'mimetype', 'originalname', 'encoding', 'storage', 'artifact'] as const

/** Largest document of an item, in characters of JSON: what a page of a thousand can still carry. */
export const DOCUMENT_CHARACTERS_MAX = 1024 * 1024

/**
 * Merges a change into a document: names are merged, null takes one away. `system` is left alone unless `withSystem`. Answers null where nothing is left, so
 * that an item without metadata has none in the table. Throws `request.too_large`.
 */
export function mergeDocument(
  document: Document | null,
  change: Readonly<Record<string, unknown>>,
  withSystem: boolean,
): Document | null {
  const { system, ...rest } = change
  const patch = withSystem && system !== undefined ? { ...rest, system: withoutTold(system) } : rest
  const merged = mergePatch(document ?? {}, patch) as Record<string, unknown>
  if (isEmptyObject(merged.system)) delete merged.system
  if (isEmptyObject(merged)) return null
  if (JSON.stringify(merged).length > DOCUMENT_CHARACTERS_MAX)
    throw new AppError('request.too_large', {
      message: 'The metadata of an item may have a million characters at the most.',
    })
  return merged
}

function withoutTold(system: unknown): unknown {
  if (typeof system !== 'object' || system === null || Array.isArray(system)) return {}
  const own = { ...(system as Record<string, unknown>) }
  for (const name of told) delete own[name]
  return own
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
}

/**
 * A description as it is kept: none where it is empty; characters outside the Basic Multilingual Plane are written as `\u` and their number in hex, which is
 * what existing programs expect to read back.
 */
export function descriptionText(text: string | null): string | null {
  if (text === null || text === '') return null
  return text.replace(/[\u{10000}-\u{10ffff}]/gu, (character) => `\\u${character.codePointAt(0)!.toString(16)}`)
}
