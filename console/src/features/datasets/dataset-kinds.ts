import type { Dataset } from '#contract/datasets.ts'
import type { Driver } from '#contract/drivers.ts'

/** What a dataset is made of, as the page filters by it. */
export const datasetKinds = ['master', 'clone', 'merge'] as const
export type DatasetKind = (typeof datasetKinds)[number]

/** Whose storage a dataset is in. `external` where the driver is not known to the caller, who may be no developer. */
export const datasetProviders = ['platform', 'aws', 'gcp', 'azure', 'registry', 'local', 'external'] as const
export type DatasetProvider = (typeof datasetProviders)[number]

/** How a dataset is at the moment. */
export const datasetStates = ['ready', 'syncing', 'readonly', 'disconnected'] as const
export type DatasetState = (typeof datasetStates)[number]

const providerByType: Readonly<Record<string, DatasetProvider>> = {
  s3: 'aws',
  gcs: 'gcp',
  azureblob: 'azure',
  azureDatalakeGen2: 'azure',
  registry: 'registry',
  local: 'local',
}

/** Whose storage a dataset is in, by its driver. */
export function providerOf(
  dataset: Pick<Dataset, 'driver'>,
  driver: Pick<Driver, 'type'> | undefined,
): DatasetProvider {
  if (dataset.driver === null) return 'platform'
  if (driver === undefined || !Object.hasOwn(providerByType, driver.type)) return 'external'
  return providerByType[driver.type]!
}

/** How a dataset is: what hinders most comes first. */
export function stateOf(
  dataset: Pick<Dataset, 'isSyncing' | 'readonly'>,
  driver: Pick<Driver, 'state'> | undefined,
): DatasetState {
  if (driver !== undefined && driver.state !== 'ready') return 'disconnected'
  if (dataset.isSyncing) return 'syncing'
  return dataset.readonly ? 'readonly' : 'ready'
}

/** Why datasets cannot be merged together; null when they can, as far as can be told before the server is asked. */
export function mergeProblem(datasets: readonly Pick<Dataset, 'driver'>[]): 'too-few' | 'other-storage' | null {
  if (datasets.length < 2) return 'too-few'
  return datasets.some(({ driver }) => driver !== datasets[0]!.driver) ? 'other-storage' : null
}
