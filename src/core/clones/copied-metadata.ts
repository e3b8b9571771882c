type Json = Readonly<Record<string, unknown>>

/** What belongs to one dataset and its tasks, and so never goes along: assignments, states of work, thumbnails that lie elsewhere (CM-04). */
const neverCopied = ['refs', 'status', 'annotationStatus', 'thumbnailId']
/** What people and programs said about an item, not what its bytes are. */
const saidOfItem = ['tags', 'collections']

/** How much of an item's metadata a copy gets. */
export interface MetadataOptions {
  readonly withMetadata: boolean
  /** Whether the target has the same collections by the same keys. */
  readonly keepsCollections: boolean
}

/**
 * The metadata document of a copy. What says how the bytes are to be read (a link's target, frames a second, width and height) always goes along; the rest
 * where metadata was asked for. Null where nothing is left.
 */
export function copiedMetadata(document: Json | null, options: MetadataOptions): Json | null {
  if (document === null) return null
  const { user, system, fps, ...others } = document
  const dropped = new Set(neverCopied)
  if (!options.withMetadata) for (const name of saidOfItem) dropped.add(name)
  if (!options.keepsCollections) dropped.add('collections')
  const kept = isObject(system) ? Object.entries(system).filter(([name]) => !dropped.has(name)) : []
  const copy = {
    ...(fps !== undefined && { fps }),
    ...(options.withMetadata && { ...others, ...(user !== undefined && { user }) }),
    ...(kept.length > 0 && { system: Object.fromEntries(kept) }),
  }
  return Object.keys(copy).length === 0 ? null : copy
}

/** Two documents of the same item as one: objects name by name, and of two values for one name the later. */
export function joinMetadata(first: Json | null, later: Json | null): Json | null {
  if (first === null || later === null) return later ?? first
  const joined: Record<string, unknown> = { ...first }
  for (const [name, value] of Object.entries(later)) {
    const known = joined[name]
    joined[name] = isObject(known) && isObject(value) ? joinMetadata(known, value) : value
  }
  return joined
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
