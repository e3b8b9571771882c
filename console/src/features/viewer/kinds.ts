import type { Item } from '#contract/items.ts'

/** How a file can be shown. `other`: as facts only. */
export type Kind = 'image' | 'video' | 'audio' | 'pdf' | 'text' | 'other'

/** Media types outside `text/` whose files people read as text. */
const textTypes = new Set(
  [
    'json',
    'ld+json',
    'geo+json',
    'x-ndjson',
    'jsonl',
    'xml',
    'yaml',
    'x-yaml',
    'toml',
    'javascript',
    'x-javascript',
    'typescript',
    'sql',
    'x-sh',
    'x-httpd-php',
    'x-subrip',
    'x-tex',
    'rtf',
    'x-ipynb+json',
  ].map((name) => `application/${name}`),
)

/** How an item is shown, by its media type; a file without a known one can still be asked for as text. */
export function kindOf(item: Pick<Item, 'metadata'>): Kind {
  const type = (item.metadata.system.mimetype ?? '').toLowerCase()
  if (type.startsWith('image/')) return 'image'
  if (type.startsWith('video/')) return 'video'
  if (type.startsWith('audio/')) return 'audio'
  if (type === 'application/pdf') return 'pdf'
  if (type.startsWith('text/') || textTypes.has(type) || /^application\/.*\+(json|xml)$/.test(type)) return 'text'
  return 'other'
}

/** Whether a text is to be read as one JSON value. */
export function isJson(item: Pick<Item, 'metadata' | 'name'>): boolean {
  const type = (item.metadata.system.mimetype ?? '').toLowerCase()
  return type === 'application/json' || /^application\/.*\+json$/.test(type) || /\.(geo)?json$/i.test(item.name)
}
