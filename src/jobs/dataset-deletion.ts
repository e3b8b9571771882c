import { removeDueDatasets } from '#core/datasets/datasets.ts'
import type { Deps } from '#core/deps.ts'

/** How often datasets are looked for whose time to be deleted has come. */
export const DATASET_DELETION_MS = 60_000

/** For the clockwork: deletes those; says how many. */
export async function deleteDueDatasets(deps: Deps): Promise<void> {
  const deleted = await removeDueDatasets(deps)
  if (deleted > 0) deps.log.info({ datasets: deleted }, 'datasets were deleted whose time had come')
}
