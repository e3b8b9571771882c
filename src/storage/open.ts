import type { AzureOptions } from './azure/azure.ts'
import type { Egress } from './egress.ts'
import type { GcsOptions } from './gcs/gcs.ts'
import type { LocalOptions } from './local/local.ts'
import { type ModuleSpec, openModule } from './modules.ts'
import type { Storage } from './port.ts'
import type { RegistryOptions } from './registry/registry.ts'
import type { S3Options } from './s3/s3.ts'

/** Which storage to open, and with what. */
export type StorageSpec =
  | ({ readonly provider: 's3' } & S3Options)
  | ({ readonly provider: 'azure' } & AzureOptions)
  | ({ readonly provider: 'registry' } & RegistryOptions)
  | ({ readonly provider: 'gcs' } & GcsOptions)
  | ({ readonly provider: 'local' } & LocalOptions)
  | { readonly provider: 'memory'; readonly name: string }
  | ({ readonly provider: 'module' } & ModuleSpec)

/**
 * Opens a storage; its driver is imported with the first use. For core's drivers, and whoever is done with it calls `close()`.
 *
 * Everything it connects to goes through `egress`. Opening connects to nothing; only a local folder is looked at, and refused (`root-not-allowed`) where the operator has not opened it.
 */
export async function openStorage(spec: StorageSpec, egress: Egress): Promise<Storage> {
  switch (spec.provider) {
    case 's3':
      return (await import('./s3/s3.ts')).createS3Storage({ ...spec, egress })
    case 'azure':
      return (await import('./azure/azure.ts')).createAzureStorage({ ...spec, egress })
    case 'registry':
      return (await import('./registry/registry.ts')).createRegistryStorage({ ...spec, egress })
    case 'gcs':
      return (await import('./gcs/gcs.ts')).createGcsStorage({ ...spec, egress })
    case 'local':
      return (await import('./local/local.ts')).openLocalStorage(spec)
    case 'memory':
      return (await import('./memory/memory.ts')).createMemoryStorage(spec)
    case 'module':
      return openModule(spec, egress)
  }
}
