import type { DriverPayload } from '#contract/drivers.ts'
import type { Deps } from '#core/deps.ts'
import { type FieldIssue, getIntegration, type Integration } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import type { CheckSubject } from './check.ts'
import { folderField } from './payload.ts'
import { type DriverConfig, type DriverType, driverType } from './types.ts'

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
  const { readOnly } = draft.payload
  const config = { ...type.check(draft.payload, issues), ...(typeof readOnly === 'boolean' && { readOnly }) }
  const folder = folderField(draft.payload.path, issues)
  const integration = await fittingIntegration(deps, draft, { type, config }, issues)
  if (issues.length > 0) {
    throw new AppError('driver.invalid', { message: issues.map((issue) => issue.message).join(' '), details: issues })
  }
  return { type: type.type, config, folder, allowDelete: draft.allowDelete, integration }
}

async function fittingIntegration(
  deps: Deps,
  draft: DriverDraft,
  { type, config }: { readonly type: DriverType; readonly config: DriverConfig },
  issues: FieldIssue[],
): Promise<CheckSubject['integration']> {
  const id = draft.integrationId === 'system' ? null : draft.integrationId
  const fitting = type.integrationTypes
  if (fitting === null) {
    const message = `Drivers of the type ${draft.type} need no integration; leave it out.`
    if (id !== null) issues.push({ path: 'integrationId', message })
    return null
  }
  if (id === null) {
    const message = 'Choose an integration of the organization.'
    if (type.isIntegrationOptional?.(config) !== true) issues.push({ path: 'integrationId', message })
    return null
  }
  // Of the project's own organization: another one's id looks like one that does not exist (IN-01).
  const found = await getIntegration(deps, draft.orgId, id)
  const message = misfit(draft, found, fitting) ?? type.misfit?.(config, found.type, deps.config) ?? null
  if (message !== null) {
    const isOwnType = draft.integrationType === null || draft.integrationType === found.type
    issues.push({ path: isOwnType ? 'integrationId' : 'integrationType', message })
  } else if (found.trust?.status === 'waiting-for-trust') {
    throw new AppError('integration.not_trusted')
  }
  return found
}

/** The SDK says the driver's own type where its caller names none, so that is as good as nothing said. */
function misfit(draft: DriverDraft, found: Integration, fitting: readonly string[]): string | null {
  if (!fitting.includes(found.type)) {
    return `An integration of the type ${found.type} does not fit; drivers of the type ${draft.type} take: ${fitting.join(', ')}.`
  }
  const said = draft.integrationType
  return said === null || said === draft.type || said === found.type
    ? null
    : `The integration is of the type ${found.type}, not of the one that was given.`
}

/** The bucket that a checked draft reaches, as the source table knows it. */
export function sourceOf(
  orgId: string,
  subject: CheckSubject,
): { orgId: string; provider: string; fingerprint: string } {
  const fingerprint = driverType(subject.type).fingerprint(subject.config, subject.integration?.id ?? null)
  return { orgId, provider: subject.type, fingerprint }
}

/** One of the fields that say what a driver reaches. The folder is compared as it is matched: `a` and `a/` are one. */
export function placeOf(described: { readonly config: DriverConfig; readonly folder: string }, field: string): unknown {
  return field === 'path' ? described.folder : described.config[field]
}
