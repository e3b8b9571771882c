import type { Annotation } from '#contract/annotations.ts'
import type { Item } from '#contract/items.ts'

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const numberOf = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined)

/** When an annotation of a film or a sound holds, in seconds; both ends belong to it. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Pictures a second of a film, where somebody said. */
export function fpsOf(item: Pick<Item, 'metadata'>): number | undefined {
  const fps = numberOf(item.metadata.fps) ?? numberOf(item.metadata.system.fps)
  return fps !== undefined && fps > 0 ? fps : undefined
}

/** When an annotation holds; null where it says nothing, and it is then one of the whole. Times count before frames, which need the film's `fps`. */
export function spanOf(annotation: Annotation, fps: number | undefined): Span | null {
  const { system } = annotation.metadata
  const inSeconds = (frame: number | undefined) => (frame === undefined || fps === undefined ? undefined : frame / fps)
  const start = numberOf(system.startTime) ?? inSeconds(numberOf(system.frame))
  if (start === undefined) return null
  // The last frame is seen until the next one comes.
  const endFrame = numberOf(system.endFrame)
  const end = numberOf(system.endTime) ?? inSeconds(endFrame === undefined ? undefined : endFrame + 1)
  return { start, end: Math.max(start, end ?? start) }
}

/** Where an annotation is at a moment of a film: its coordinates in the last frame in which somebody set them; undefined where it does not hold then. */
export function coordinatesAt(annotation: Annotation, seconds: number, fps: number | undefined): unknown {
  const span = spanOf(annotation, fps)
  if (span === null) return annotation.coordinates
  if (seconds < span.start || seconds > span.end) return undefined
  const given = annotation.metadata.system.snapshots_
  const snapshots = Array.isArray(given) && fps !== undefined ? (given as unknown[]).filter(isObject) : []
  const frame = seconds * (fps ?? 0) + 0.001
  let last: Json | undefined
  for (const each of snapshots) {
    const at = numberOf(each.frame)
    if (at !== undefined && at <= frame && (last === undefined || at >= (last.frame as number))) last = each
  }
  if (last?.objectVisible === false) return undefined
  return last?.data ?? annotation.coordinates
}
