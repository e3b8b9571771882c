import type { Annotation } from '#contract/annotations.ts'

/** A place in the picture, in its pixels as it is shown: turned as its EXIF says. */
export interface Place {
  readonly x: number
  readonly y: number
}

/** What is drawn of an annotation. */
export type Shape =
  /** A closed outline; several rings leave holes where they overlap. */
  | { readonly kind: 'area'; readonly rings: readonly (readonly Place[])[] }
  | { readonly kind: 'line'; readonly strokes: readonly (readonly Place[])[] }
  | { readonly kind: 'point'; readonly at: Place }
  | { readonly kind: 'ellipse'; readonly at: Place; readonly rx: number; readonly ry: number; readonly angle: number }
  /** A picture of the size of the item's, transparent where the label is not. */
  | { readonly kind: 'mask'; readonly src: string }

type Json = Readonly<Record<string, unknown>>

/** What to draw of an annotation's coordinates; null for what has no place in a picture: classes, notes without a box, texts. */
export function shapeOf(type: Annotation['type'], coordinates: unknown): Shape | null {
  switch (type) {
    case 'box':
      return boxOf(coordinates)
    case 'note':
      return isObject(coordinates) ? boxOf(coordinates.box) : null
    case 'segment': {
      const rings = strokesOf(coordinates)
      return rings.length === 0 ? null : { kind: 'area', rings }
    }
    case 'polyline': {
      const strokes = strokesOf(coordinates)
      return strokes.length === 0 ? null : { kind: 'line', strokes }
    }
    case 'point':
      return isPlace(coordinates) ? { kind: 'point', at: coordinates } : null
    case 'ellipse':
      return ellipseOf(coordinates)
    case 'cube':
      return cubeOf(coordinates)
    case 'binary':
      return maskOf(coordinates)
    default:
      return null
  }
}

/** Where the name of a shape is written: its uppermost corner; null for masks, which are everywhere. */
export function cornerOf(shape: Shape): Place | null {
  if (shape.kind === 'mask') return null
  if (shape.kind === 'point') return shape.at
  if (shape.kind === 'ellipse') return { x: shape.at.x, y: shape.at.y - Math.max(shape.rx, shape.ry) }
  const places = (shape.kind === 'area' ? shape.rings : shape.strokes).flat()
  return places.reduce((top, place) => (place.y < top.y || (place.y === top.y && place.x < top.x) ? place : top))
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const isPlace = (value: unknown): value is Json & Place =>
  isObject(value) && Number.isFinite(value.x) && Number.isFinite(value.y)

/** Two opposite corners, turned about their middle by an angle in degrees where there is one; or all four corners. */
function boxOf(value: unknown): Shape | null {
  if (!Array.isArray(value)) return null
  const corners = (value as unknown[]).filter(isPlace)
  if (corners.length >= 4) return { kind: 'area', rings: [corners.slice(0, 4)] }
  const [a, b] = corners
  if (a === undefined || b === undefined) return null
  const angle = (value as unknown[]).find((part) => typeof part === 'number') ?? 0
  const middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }
  const straight = [
    { x: a.x, y: a.y },
    { x: b.x, y: a.y },
    { x: b.x, y: b.y },
    { x: a.x, y: b.y },
  ]
  return { kind: 'area', rings: [straight.map((place) => turned(place, middle, angle as number))] }
}

function turned(place: Place, middle: Place, degrees: number): Place {
  if (degrees === 0) return place
  const radians = (degrees * Math.PI) / 180
  const [dx, dy] = [place.x - middle.x, place.y - middle.y]
  return {
    x: middle.x + dx * Math.cos(radians) - dy * Math.sin(radians),
    y: middle.y + dx * Math.sin(radians) + dy * Math.cos(radians),
  }
}

/** A list of lists of points, or of points. */
function strokesOf(value: unknown): readonly (readonly Place[])[] {
  if (!Array.isArray(value)) return []
  const parts = value as unknown[]
  const strokes = parts.some(Array.isArray) ? parts.filter((part): part is unknown[] => Array.isArray(part)) : [parts]
  return strokes.map((stroke) => stroke.filter(isPlace)).filter((stroke) => stroke.length > 0)
}

function ellipseOf(value: unknown): Shape | null {
  if (!isObject(value) || !isPlace(value.center)) return null
  const { rx, ry, angle } = value
  if (typeof rx !== 'number' || typeof ry !== 'number') return null
  const degrees = typeof angle === 'number' ? angle : 0
  return { kind: 'ellipse', at: value.center, rx: Math.abs(rx), ry: Math.abs(ry), angle: degrees }
}

const faces = [
  ['front_tl', 'front_tr', 'front_br', 'front_bl', 'front_tl'],
  ['back_tl', 'back_tr', 'back_br', 'back_bl', 'back_tl'],
  ['front_tl', 'back_tl'],
  ['front_tr', 'back_tr'],
  ['front_br', 'back_br'],
  ['front_bl', 'back_bl'],
]

/** The edges between the corners that are there. */
function cubeOf(value: unknown): Shape | null {
  if (!isObject(value)) return null
  const strokes = faces.map((names) => names.map((name) => value[name]).filter(isPlace))
  const edges = strokes.filter((stroke) => stroke.length > 1)
  return edges.length === 0 ? null : { kind: 'line', strokes: edges }
}

/** Only pictures that are in the annotation itself: an address of somebody's server would tell it who looks at the item. */
function maskOf(value: unknown): Shape | null {
  const src = isObject(value) ? value.data : value
  return typeof src === 'string' && /^data:image\/(png|webp|jpeg);base64,/.test(src) ? { kind: 'mask', src } : null
}
