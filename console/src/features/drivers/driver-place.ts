import type { Driver } from '#contract/drivers.ts'

/** What a driver's storage is called there: its bucket, container, folder or host. */
export function bucketOf(driver: Driver): string {
  const { bucketName, bucket, containerName, rootPath, server, elasticIndex, computeStorageName } = driver
  return bucketName ?? bucket ?? containerName ?? rootPath ?? server ?? elasticIndex ?? computeStorageName ?? ''
}

const providers: Readonly<Record<string, string>> = {
  s3: 'aws',
  gcs: 'gcp',
  azureblob: 'azure',
  azureDatalakeGen2: 'azure',
  registry: 'registry',
  local: 'local',
}

/** Whose storage a type of driver reaches. */
export function providerOf(type: string): string {
  return providers[type] ?? 'sluice'
}

/** The colour of a state. */
export const stateColours = { ready: 'teal', failed: 'red', disconnected: 'orange', unsupported: 'gray' } as const
