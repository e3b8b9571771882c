import { accountAddress, pathOf } from './azure/address.ts'
import { encodePath as encodeGcsPath, googleAddresses } from './gcs/addresses.ts'
import type { StorageSpec } from './open.ts'
import { bucketAddress, encodePath } from './s3/address.ts'

/**
 * Where a key would be read by somebody who has no rights; null where there is no such address, as for a folder. For trials of what a storage says to
 * strangers: its clock. Only ever asked for an object, so that no bucket's log shows a request for anything else (PM-07).
 */
export function unsignedUrl(spec: StorageSpec, key: string): string | null {
  switch (spec.provider) {
    case 's3': {
      const { bucket, endpoint, pathStyle: isPathStyle } = spec
      const { origin, rootPath } = bucketAddress({ bucket, region: spec.region || 'us-east-1', endpoint, isPathStyle })
      return `${origin}${rootPath}${encodePath(key)}`
    }
    case 'azure': {
      const address = accountAddress(spec.account, spec.endpoint)
      return `${address.origin}${pathOf(address, spec.container, key)}`
    }
    case 'gcs':
      return `${googleAddresses(spec.endpoint, spec.standIn).storage}/${spec.bucket}/${encodeGcsPath(key)}`
    case 'registry':
      return `${spec.origin}/v2/`
    case 'local':
    case 'memory':
    case 'module':
      return null
  }
}
