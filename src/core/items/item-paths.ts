import { FLAG_HIDDEN, FLAG_UNADDRESSABLE, placeOf } from '#core/catalog/catalog.ts'
import { AppError } from '#lib/app-error.ts'
import { splitFilename } from './paths.ts'

/** Where an item is to be: its folder's path and its name as the table has them, and the flags that follow from them. */
export interface ItemPath {
  readonly path: string
  readonly name: string
  readonly flags: number
}

/** No folder has this name: of items that are in no bucket none lies in the platform's own hidden folder. */
const NO_FOLDER = '\0'

/** Takes apart the full path that somebody chose for an item; nothing in it is changed but that a missing first slash is added. Throws `item.path_invalid`. */
export function requirePath(filename: string): ItemPath {
  const { path, name } = splitFilename(filename)
  if (name === '') throw new AppError('item.path_invalid')
  if (!filename.isWellFormed()) throw new AppError('item.path_invalid')
  const place = placeOf(Buffer.from(path + name), NO_FOLDER)
  if (place.kind !== 'item') throw new AppError('item.path_invalid')
  return { path, name, flags: place.flags & (FLAG_HIDDEN | FLAG_UNADDRESSABLE) }
}
