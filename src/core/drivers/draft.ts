import type { DriverPayload } from '#contract/drivers.ts'
import type { Deps } from '#core/deps.ts'
import { type FieldIssue, getIntegration } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import type { CheckSubject } from './check.ts'
import { folderField } from './payload.ts'
import { type DriverConfig, driverType } from './types.ts'

/** A driver as a caller describes it, not yet checked. */
export interface DriverDraft {
  readonly projectId: string
  readonly orgId: string
  readonly type: string
  /** `system` and null: none. */
  readonly integrationId: string | null
  /** Refused when it is not the integration's own; null: not said. */
  readonly integrationType: string | null
  readonly payload: DriverPayload
  readonly allowDelete: boolean
}

/** Checks a draft without touching the storage: type, fields, folder, integration. Throws `driver.invalid` with one detail a field. */
export async function describeDraft(deps: Deps, draft: DriverDraft): Promise<CheckSubject> {
  const type = driverType(draft.type)
  const issues: FieldIssue[] = []
  const config = type.check(draft.payload, issues)
  const folder = folderField(draft.payload.path, issues)
  const integration = await fittingIntegration(deps, draft, type.integrationTypes, issues)
  if (issues.length > 0) {
    throw new AppError('driver.invalid', { message: issues.map((issue) => issue.message).join(' '), details: issues })
  }
  return { type: type.type, config, folder, allowDelete: draft.allowDelete, integration }
}

async function fittingIntegration(
  deps: Deps,
  draft: DriverDraft,
  fitting: readonly string[] | null,
  issues: FieldIssue[],
): Promise<CheckSubject['integration']> {
  const id = draft.integrationId === 'system' ? null : draft.integrationId
  if (fitting === null) {
    if (id !== null)
      issues.push({
        path: 'integrationId',
        message: `Drivers of the type ${draft.type} need no integration; leave it out.`,
      })
    return null
  }
  if (id === null) {
    issues.push({ path: 'integrationId', message: 'Choose an integration of the organization.' })
    return null
  }
  // Of the project's own organization: another one's id looks like one that does not exist (IN-01).
  const found = await getIntegration(deps, draft.orgId, id)
  if (!fitting.includes(found.type) || (draft.integrationType !== null && draft.integrationType !== found.type)) {
    const message = `An integration of the type ${found.type} does not fit; drivers of the type ${draft.type} take: ${fitting.join(', ')}.`
    issues.push({ path: draft.integrationType === null ? 'integrationId' : 'integrationType', message })
  }
  return found
}

/** The bucket that a checked draft reaches, as the source table knows it. */
export function sourceOf(
  orgId: string,
  subject: CheckSubject,
): { orgId: string; provider: string; fingerprint: string } {
  return { orgId, provider: subject.type, fingerprint: driverType(subject.type).fingerprint(subject.config) }
}

/** One of the fields that say what a driver reaches. The folder is compared as it is matched: `a` and `a/` are one. */
export function placeOf(described: { readonly config: DriverConfig; readonly folder: string }, field: string): unknown {
  return field === 'path' ? described.folder : described.config[field]
}
