import { followCommand } from '../../app/command.ts'
import { api } from '../../app/session.ts'

/** Files that are downloaded at once; of more a browser asks at each, or drops them. */
export const FILES_MAX = 50
/** Browsers drop downloads that begin in the same moment. */
const BETWEEN_MS = 350
/** A frame that began a download may go when the answer has surely come. */
const FRAME_KEPT_MS = 60_000

/** Saves the files of items, each straight from its storage; one that cannot be read does not take the page away. */
export function saveFiles(itemIds: readonly string[]): void {
  for (const [index, id] of itemIds.entries()) setTimeout(() => saveFile(id), index * BETWEEN_MS)
}

function saveFile(itemId: string): void {
  const frame = document.createElement('iframe')
  frame.hidden = true
  frame.src = `/api/v1/items/${itemId}/stream?download=true`
  document.body.append(frame)
  setTimeout(() => frame.remove(), FRAME_KEPT_MS)
}

/** Has the server write what a query finds, with metadata and annotations, into a JSON file, and saves that. */
export async function saveExport(datasetId: string, itemsQuery: Record<string, unknown>): Promise<void> {
  const command = await api.exportDataset({
    params: { datasetId },
    body: { exportType: 'json', itemsQuery, annotations: { include: true } },
  })
  const { spec } = await followCommand(command)
  if (typeof spec.outputItemId !== 'string') throw new Error('The export names no file.')
  saveFile(spec.outputItemId)
}
