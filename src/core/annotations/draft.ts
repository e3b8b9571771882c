import { createHash } from 'node:crypto'
import { type AnnotationType, annotationTypes } from '#contract/annotations.ts'
import { AppError } from '#lib/app-error.ts'
import { faultOfCoordinates, hasCoordinates } from './coordinates.ts'

/** What an annotation says, checked; what is kept of it besides who and when. */
export interface AnnotationDraft {
  readonly type: AnnotationType
  readonly label: string
  readonly attributes: unknown
  readonly coordinates: unknown
  readonly metadata: Readonly<Record<string, unknown>>
  readonly source: string | null
  readonly description: string | null
  readonly suggestions: readonly unknown[] | null
}

/** Deepest nesting of what is kept as JSON: the database reads it by recursion. */
const DEPTH_MAX = 64
const TEXT_MAX = 10_000
/** Longest label. */
const LABEL_MAX = 1_000

/**
 * Reads an annotation as a program sends it: ids, addresses, names, times and the hash in it are the server's and are not looked at.
 *
 * `place` stands before every place that an error names. Throws `annotation.invalid`.
 */
export function readDraft(sent: Readonly<Record<string, unknown>>, place: string): AnnotationDraft {
  const fail = (field: string, message: string): never => {
    throw new AppError('annotation.invalid', { details: [{ path: `${place}.${field}`, message }] })
  }
  const type =
    annotationTypes.find((known) => known === sent.type) ?? fail('type', `must be one of ${annotationTypes.join(', ')}`)
  const { label, source, description, labelSuggestions } = sent
  if (typeof label !== 'string') return fail('label', 'must be a text')
  if (label.length > LABEL_MAX) fail('label', `must not be longer than ${LABEL_MAX} characters`)
  const fault = faultOfCoordinates(type, sent.coordinates)
  if (fault !== null) fail('coordinates', fault)
  const metadata = sent.metadata ?? {}
  if (typeof metadata !== 'object' || Array.isArray(metadata)) return fail('metadata', 'must be an object')
  const system = (metadata as Record<string, unknown>).system ?? {}
  if (typeof system !== 'object' || Array.isArray(system)) fail('metadata.system', 'must be an object')
  const attributes = sent.attributes ?? null
  if (attributes !== null && typeof attributes !== 'object') fail('attributes', 'must be an object or a list')
  if (source !== undefined && source !== null && typeof source !== 'string') fail('source', 'must be a text')
  if (description !== undefined && description !== null && typeof description !== 'string')
    fail('description', 'must be a text')
  if (typeof description === 'string' && description.length > TEXT_MAX)
    fail('description', `must not be longer than ${TEXT_MAX} characters`)
  if (labelSuggestions !== undefined && labelSuggestions !== null && !Array.isArray(labelSuggestions))
    fail('labelSuggestions', 'must be a list')
  const draft: AnnotationDraft = {
    type,
    label,
    attributes,
    coordinates: hasCoordinates(type) ? (sent.coordinates ?? null) : null,
    metadata: { ...metadata, system },
    source: (source as string | null | undefined) ?? null,
    description: (description as string | undefined) || null,
    suggestions: (labelSuggestions as unknown[] | null | undefined) ?? null,
  }
  for (const [field, value] of Object.entries(draft)) {
    const unstorable = faultOfJson(value)
    if (unstorable !== null) fail(field, unstorable)
  }
  return draft
}

/** Why the database could not keep a JSON value; walks with a list of its own, because the nesting is the caller's. */
function faultOfJson(json: unknown): string | null {
  const rest: [unknown, number][] = [[json, 0]]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [value, depth] = next
    if (typeof value === 'string') {
      if (value.includes('\0')) return 'must not have NUL'
    } else if (typeof value === 'object' && value !== null) {
      if (depth === DEPTH_MAX) return `must not be nested deeper than ${DEPTH_MAX}`
      for (const [name, inner] of Object.entries(value)) {
        if (name.includes('\0')) return 'must not have NUL'
        rest.push([inner, depth + 1])
      }
    }
  }
  return null
}

/** A text that is the same for two annotations that say the same: 40 hex characters. */
export function hashOf({ type, label, attributes, coordinates, metadata }: AnnotationDraft): string {
  const system = metadata.system as { attributes?: unknown }
  return createHash('sha1')
    .update(JSON.stringify([type, label, attributes, coordinates, system.attributes ?? null]))
    .digest('hex')
}
