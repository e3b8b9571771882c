import type { Item } from '#contract/items.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { getItem } from '#core/items/items.ts'
import type { Arrived } from '#core/objects/objects.ts'
import { AppError } from '#lib/app-error.ts'
import { parseItemId } from '#lib/ids.ts'
import { uploadFile } from './upload.ts'

/** Gives an item a new file; everything else of it stays. Errors: `item.not_found`, and those of `uploadFile`. */
export async function replaceFile(
  deps: Deps,
  caller: Caller,
  id: string,
  file: { readonly contentType: string | undefined; readonly arrived: Arrived },
  baseUrl: string,
): Promise<Item> {
  const numbers = parseItemId(id)
  if (numbers === null || !('itemNo' in numbers)) {
    await file.arrived.discard()
    throw new AppError('item.not_found')
  }
  const { filename } = await getItem(deps, id, baseUrl).catch(async (error) => {
    await file.arrived.discard()
    throw error
  })
  const upload = { ...file, path: filename, mode: 'overwrite' as const }
  return (await uploadFile(deps, caller, numbers.datasetNo, upload, baseUrl)).item
}
