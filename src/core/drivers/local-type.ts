import { isAbsolute, resolve } from 'node:path'
import type { DriverPayload } from '#contract/drivers.ts'
import type { FieldIssue } from '#core/integrations/integrations.ts'
import type { StorageSpec } from '#storage/open.ts'
import { compact, textField } from './payload.ts'
import type { DriverConfig, DriverType } from './types.ts'

/** A folder or mount on the server. Which folders may be used the operator alone decides; the storage kit enforces it on the resolved path. */
export const localType: DriverType = {
  type: 'local',
  provider: 'local',
  integrationTypes: null,
  opensWith: [null],
  placeFields: ['rootPath', 'path'],

  check(payload: DriverPayload, issues: FieldIssue[]): DriverConfig {
    return compact({
      rootPath: rootField(payload.rootPath, issues),
      path: textField(payload.path),
      proxy: payload.proxy ?? undefined,
      watch: payload.watch ?? undefined,
    })
  },

  fingerprint: (config) => `local||${String(config.rootPath)}`,

  spec: (config, { settings }): StorageSpec => ({
    provider: 'local',
    rootPath: config.rootPath as string,
    allowedRoots: settings.localRoots,
  }),
}

function rootField(given: string | null | undefined, issues: FieldIssue[]): string | undefined {
  const typed = textField(given)
  if (typed === undefined || !isAbsolute(typed) || typed.includes('\0')) {
    issues.push({
      path: 'payload.rootPath',
      message: 'Give the full path of a folder on the server, such as /mnt/photos.',
    })
    return undefined
  }
  return resolve(typed)
}
