/** Why something in a storage cannot become an item: code, and the sentence people read. Codes are public like error codes. */
export const skipReasons = {
  'not-text': 'The key is not valid UTF-8, or holds NUL.',
  'too-long': 'A part of the key is longer than 2,600 bytes.',
  'folder-itself': 'The file has the name of the storage driver’s folder.',
  'special-file': 'It is a pipe, a socket or a device.',
  'link-outside': 'It is a link that leads out of the folder.',
  'link-nowhere': 'It is a link to nothing that can be read as a file.',
  'foreign-layer': 'It is a layer that the registry only refers to: it lies on another host, to which nobody is sent.',
  'artifact-incomplete': 'The index names a manifest that the registry does not have, or far too many.',
  'link-loop': 'It is a link to a folder that holds it.',
} as const

/** Code of a reason, for example `not-text`. */
export type SkipReason = keyof typeof skipReasons
