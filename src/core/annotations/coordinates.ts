import type { AnnotationType } from '#contract/annotations.ts'

type Json = Readonly<Record<string, unknown>>
/** What is wrong with coordinates; null: nothing. */
type Check = (value: unknown) => string | null

/** Longest list of points: more is a mistake, and drawing it would stop a browser. */
const POINTS_MAX = 1_000_000

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A point has numbers x and y; z, where it is there, is a number or null. */
function isPoint(value: unknown): boolean {
  if (!isObject(value)) return false
  const { x, y, z } = value
  return typeof x === 'number' && typeof y === 'number' && (z === undefined || z === null || typeof z === 'number')
}

const isNumberOrNull = (value: unknown) => value === null || value === undefined || typeof value === 'number'

/** Two corners or four, and the angle as a further element when it is turned. */
const box: Check = (value) => {
  if (!Array.isArray(value) || value.length < 2) return 'must be a list of two points, and the angle when it is turned'
  const [first, second, ...rest] = value as unknown[]
  const isBox = isPoint(first) && isPoint(second) && rest.every((part) => typeof part === 'number' || isPoint(part))
  return isBox ? null : 'must be a list of points with numbers x and y, and the angle when it is turned'
}

/** Rings or strokes: lists of points, or a single one. */
const strokes: Check = (value) => {
  if (!Array.isArray(value)) return 'must be a list of lists of points'
  let points = 0
  for (const part of value as unknown[]) {
    const stroke = Array.isArray(part) ? (part as unknown[]) : [part]
    points += stroke.length
    if (points > POINTS_MAX) return `must not have more than ${POINTS_MAX} points`
    if (!stroke.every(isPoint)) return 'must be a list of lists of points with numbers x and y'
  }
  return null
}

const point: Check = (value) => (isPoint(value) ? null : 'must be an object with numbers x and y')

const ellipse: Check = (value) => {
  if (!isObject(value)) return 'must be an object with center, rx, ry and angle'
  const { center, rx, ry, angle } = value
  const isEllipse = isPoint(center) && typeof rx === 'number' && typeof ry === 'number' && isNumberOrNull(angle)
  return isEllipse ? null : 'must have a center with numbers x and y, numbers rx and ry, and the angle'
}

/** Corners by their names, and the angle, which may be null. */
const corners: Check = (value) => {
  if (!isObject(value)) return 'must be an object of points by the names of the corners'
  const parts = Object.entries(value)
  const isCube =
    parts.some(([, part]) => isPoint(part)) && parts.every(([, part]) => isPoint(part) || isNumberOrNull(part))
  return isCube ? null : 'must have points with numbers x and y by the names of the corners'
}

const picture: Check = (value) =>
  typeof value === 'string' && /^(data:|https?:)/.test(value) ? null : 'must be a picture as a data URL'

const object: Check = (value) => (isObject(value) ? null : 'must be an object')

const textObject: Check = (value) =>
  isObject(value) && typeof value.text === 'string' ? null : 'must be an object with a text'

const textOrObject: Check = (value) =>
  typeof value === 'string' || isObject(value) ? null : 'must be a text or an object'

const note: Check = (value) => {
  if (!isObject(value)) return 'must be an object with box and note'
  return value.box === undefined || value.box === null ? null : box(value.box)
}

const anything: Check = (value) => (value === null || value === undefined ? 'must be there' : null)

const optional: Check = () => null

/** What the coordinates of each type must look like; null: the type has none, and whatever is sent is not kept. */
const checks: Readonly<Record<AnnotationType, Check | null>> = {
  box,
  cube: corners,
  cube_3d: corners,
  class: null,
  comparison: anything,
  ellipse,
  note,
  point,
  segment: strokes,
  polyline: strokes,
  pose: object,
  binary: picture,
  subtitle: textObject,
  text_mark: object,
  gis: object,
  ref_semantic_3d: optional,
  polyline_3d: optional,
  text: textOrObject,
  ref_image: object,
  item_description: textObject,
}

/** What is wrong with the coordinates of an annotation of this type; null: nothing. Coordinates are kept as they come, never changed. */
export function faultOfCoordinates(type: AnnotationType, value: unknown): string | null {
  return checks[type]?.(value) ?? null
}

/** Whether annotations of this type have coordinates at all. */
export function hasCoordinates(type: AnnotationType): boolean {
  return checks[type] !== null
}
