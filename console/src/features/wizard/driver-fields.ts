import type { Driver, DriverPayload } from '#contract/drivers.ts'

/** Texts of a driver's description that a person types. */
export type TextField =
  | 'bucketName'
  | 'bucket'
  | 'containerName'
  | 'rootPath'
  | 'server'
  | 'repositories'
  | 'path'
  | 'region'
  | 'endpoint'
  | 'browserEndpoint'
  | 'storageClass'

/** Choices of a driver's description that are yes or no. */
export type FlagField = 'readOnly' | 'proxy' | 'pathStyle' | 'watch'

interface DriverForm {
  readonly required: readonly TextField[]
  readonly optional: readonly TextField[]
  /** Shown when somebody asks for them. */
  readonly advanced: readonly TextField[]
  readonly flags: readonly FlagField[]
  /** Whether its storage lets files be deleted through us at all. */
  readonly canDelete: boolean
}

const azure: DriverForm = {
  required: ['containerName'],
  optional: ['path'],
  advanced: ['region', 'storageClass', 'endpoint'],
  flags: ['readOnly', 'proxy'],
  canDelete: true,
}

/** What the form of each type of driver asks for; types that are not here cannot be reached by this server and are not offered. */
export const driverForms: Readonly<Record<string, DriverForm>> = {
  s3: {
    required: ['bucketName'],
    optional: ['path'],
    advanced: ['region', 'endpoint', 'browserEndpoint', 'storageClass'],
    flags: ['readOnly', 'proxy', 'pathStyle'],
    canDelete: true,
  },
  gcs: {
    required: ['bucket'],
    optional: ['path'],
    advanced: ['region', 'storageClass', 'endpoint'],
    flags: ['readOnly', 'proxy'],
    canDelete: true,
  },
  azureblob: azure,
  azureDatalakeGen2: azure,
  registry: {
    required: ['server'],
    optional: ['repositories', 'path'],
    advanced: [],
    flags: [],
    canDelete: false,
  },
  local: {
    required: ['rootPath'],
    optional: ['path'],
    advanced: [],
    flags: ['watch', 'readOnly'],
    canDelete: true,
  },
}

/** Types that can do without an integration: folders on the server, public buckets, public images. */
export const openTypes = ['local', 's3', 'registry'] as const

/** Stands for “no integration” among the integrations. */
export const NO_INTEGRATION = 'none'

/** A driver as it is being described; it outlives a detour to another step. */
export interface DriverDraft {
  readonly name: string
  /** Id of an integration, `NO_INTEGRATION`, or null: not chosen yet. */
  readonly integrationId: string | null
  readonly type: string | null
  readonly texts: Readonly<Partial<Record<TextField, string>>>
  readonly flags: Readonly<Partial<Record<FlagField, boolean>>>
  readonly allowDelete: boolean
}

/** A description to begin with. */
export function emptyDraft(integrationId?: string): DriverDraft {
  return { name: '', integrationId: integrationId ?? null, type: null, texts: {}, flags: {}, allowDelete: false }
}

/** A saved driver as a description to be changed. */
export function draftOf(driver: Driver): DriverDraft {
  const form = driverForms[driver.type]
  const facts = driver as unknown as Readonly<Record<string, unknown>>
  const texts = [...(form?.required ?? []), ...(form?.optional ?? []), ...(form?.advanced ?? [])]
  return {
    name: driver.name,
    integrationId: driver.integrationId ?? NO_INTEGRATION,
    type: driver.type,
    texts: Object.fromEntries(texts.map((field) => [field, String(facts[field] ?? '')])),
    // One that was never said stays unsaid: the server then chooses by itself.
    flags: Object.fromEntries(
      (form?.flags ?? []).flatMap((flag) => (typeof facts[flag] === 'boolean' ? [[flag, facts[flag] === true]] : [])),
    ),
    allowDelete: driver.allowExternalDelete,
  }
}

/** Where the driver leads, as the API takes it. What was left empty is left out; a flag that is off says so only where it has been on. */
export function payloadOf(draft: DriverDraft): DriverPayload {
  const form = driverForms[draft.type ?? '']
  if (form === undefined) return {}
  const texts = [...form.required, ...form.optional, ...form.advanced]
    .map((field) => [field, draft.texts[field] ?? ''] as const)
    .filter(([, value]) => value !== '')
  const flags = form.flags
    .filter((flag) => draft.flags[flag] !== undefined)
    .map((flag) => [flag, draft.flags[flag]] as const)
  // A bucket that nobody logs in to is only read; the API wants that said.
  const isPublic = draft.integrationId === NO_INTEGRATION && draft.type === 's3'
  return { ...Object.fromEntries(texts), ...Object.fromEntries(flags), ...(isPublic && { readOnly: true }) }
}

/** Whether all that is required was filled in. */
export function isDescribed(draft: DriverDraft): boolean {
  const form = driverForms[draft.type ?? '']
  const isPlaced = form?.required.every((field) => (draft.texts[field] ?? '') !== '') ?? false
  return draft.name !== '' && draft.integrationId !== null && isPlaced
}

/** A whole new driver, as the API takes it. */
export function newDriver(draft: DriverDraft, projectId: string) {
  return {
    name: draft.name,
    type: draft.type ?? '',
    ...(draft.integrationId !== null &&
      draft.integrationId !== NO_INTEGRATION && { integrationId: draft.integrationId }),
    metadata: { system: { projectId } },
    payload: payloadOf(draft),
    allowExternalDelete:
      draft.allowDelete && draft.flags.readOnly !== true && driverForms[draft.type ?? '']?.canDelete === true,
  }
}
