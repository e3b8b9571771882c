import { ApiError } from '#client/client.ts'
import type { Dataset } from '#contract/datasets.ts'
import type { ItemPage } from '#contract/items.ts'
import { api } from '../../app/session.ts'
import type { BrowserSearch } from '../../app/view-search.ts'
import { type Choice, choiceFilter } from './choice.ts'

/** Most items that are moved from here: as many as one request names. */
export const MOVED_MAX = 100_000
const IDS_A_PAGE = 1_000

/** Moves what is chosen into a folder of its dataset, which is made where there is none. Answers how many items were moved. */
export async function moveChosen(
  dataset: Dataset,
  choice: Choice,
  search: BrowserSearch,
  folder: string,
): Promise<number> {
  const params = { datasetId: dataset.id }
  const ids = choice.isWhole ? await idsOf(dataset.id, choiceFilter(choice, search)) : [...choice.items.keys()]
  const folderId = await folderAt(dataset.id, folder)
  const { count } = await api.moveItems({ params: { ...params, folderId }, body: ids })
  return count
}

/** Ids only grow, so going on behind the last meets every item once, whatever is added meanwhile. */
async function idsOf(datasetId: string, filter: Record<string, unknown>): Promise<string[]> {
  const ids: string[] = []
  for (let after = ''; ids.length < MOVED_MAX; after = ids.at(-1)!) {
    const page = (await api.queryItems({
      params: { datasetId },
      body: {
        resource: 'items',
        filter: after === '' ? filter : { $and: [filter, { id: { $gt: after } }] },
        sort: { id: 'ascending' },
        page: 0,
        pageSize: IDS_A_PAGE,
      },
    })) as ItemPage
    ids.push(...page.items.map(({ id }) => id))
    if (!page.hasNextPage) break
  }
  return ids.slice(0, MOVED_MAX)
}

async function folderAt(datasetId: string, folder: string): Promise<string> {
  const params = { datasetId }
  try {
    return (await api.listFolders({ params, query: { dir: folder, limit: 1 } })).folder.id
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'item.not_found') throw error
    const made = await api.uploadItem({ params, query: {}, body: { type: 'dir', path: folder } })
    return made.id
  }
}
