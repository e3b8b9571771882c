import { z } from 'zod'
import { page } from './datasets.ts'
import { displayName, id, storableText } from './fields.ts'
import { route } from './route.ts'

const params = z.object({ settingId: id('setting') })

/** Where settings are kept, widest first; of two with one name the narrower counts. `DATALOOP` is what the vendor calls the whole platform. */
export const settingScopes = ['DATALOOP', 'org', 'project', 'dataset', 'task', 'user'] as const
export type SettingScopeType = (typeof settingScopes)[number]

/** What a setting's value may be. */
export const settingValueTypes = ['boolean', 'number', 'select', 'multi-select', 'string'] as const
export type SettingValueType = (typeof settingValueTypes)[number]

const scopeRoles = ['*', 'owner', 'admin', 'member', 'worker', 'engineer', 'annotator', 'annotationManager'] as const
const settingTypes = ['user_settings', 'feature_flag'] as const
const text = storableText.max(10_000)

/** A setting with exactly the keys that the vendor's SDK compares. */
export const Setting = z.object({
  id: z.string(),
  name: z.string(),
  value: z.unknown(),
  valueType: z.enum(settingValueTypes),
  defaultValue: z.unknown(),
  scope: z.object({
    type: z.enum(settingScopes),
    id: z.string().nullable(),
    role: z.enum(scopeRoles).describe('Whom it is for; `*` for everybody in the scope.'),
    preventOverride: z.boolean().describe('Settings of the same name in narrower scopes do not count.'),
    visible: z.boolean(),
  }),
  settingType: z.enum(settingTypes),
  metadata: z.unknown(),
  description: z.string().nullable(),
  inputs: z.unknown(),
  icon: z.string().nullable(),
  sectionName: z.string().nullable(),
  subSectionName: z.string().nullable(),
  hint: z.string().nullable(),
})
export type Setting = z.output<typeof Setting>

const content = {
  value: z.unknown().optional().describe('Of the kind that `valueType` says, or null.'),
  defaultValue: z.unknown().optional(),
  metadata: z.unknown().optional(),
  inputs: z.unknown().optional(),
  description: text.nullish(),
  icon: text.nullish(),
  sectionName: text.nullish(),
  subSectionName: text.nullish(),
  hint: text.nullish(),
}
const scope = z.looseObject({
  type: z.enum(settingScopes),
  id: z.string().max(254).nullish(),
  role: z.enum(scopeRoles).nullish(),
  preventOverride: z.boolean().nullish(),
  visible: z.boolean().nullish(),
})

/** A setting to be kept. */
export const NewSetting = z.looseObject({
  name: displayName,
  valueType: z.enum(settingValueTypes),
  scope,
  settingType: z.enum(settingTypes).nullish(),
  ...content,
})
export type NewSetting = z.output<typeof NewSetting>

/** What of a setting is to be different; the SDK sends all of it but the name. */
export const SettingChange = z.looseObject({
  valueType: z.enum(settingValueTypes).nullish(),
  scope: scope.nullish(),
  ...content,
})
export type SettingChange = z.output<typeof SettingChange>

/** A query over settings: conditions on what a setting shows, by dotted path. */
export const SettingQuery = z.looseObject({
  filter: z.record(z.string(), z.unknown()).default({}),
  sort: z.record(z.string(), z.unknown()).nullish(),
  page: z.int().min(0).default(0),
  pageSize: z.int().min(0).max(1000).default(1000),
})
export type SettingQuery = z.output<typeof SettingQuery>

/** The place that settings are asked for; everything is optional. */
export const Resolution = z.looseObject({
  userId: z.string().max(254).nullish().describe('Id or e-mail address of the caller.'),
  orgId: id('organization').nullish(),
  projectId: id('project').nullish(),
  datasetId: id('dataset').nullish(),
  taskId: z.string().max(254).nullish(),
})
export type Resolution = z.output<typeof Resolution>

const BODY_BYTES_MAX = 256 * 1024

/** Settings: named values at a scope, which scripts and the console agree on. */
export const settingRoutes = {
  createSetting: route({
    method: 'POST',
    path: '/settings',
    tag: 'Settings',
    summary:
      'Makes a setting, or replaces the one of the same name, scope and role. Organizations’ are for their owners and admins, projects’ and datasets’ for owners and developers, users’ for themselves.',
    access: 'user',
    body: NewSetting,
    bodyBytesMax: BODY_BYTES_MAX,
    response: Setting,
    errors: [
      'setting.invalid',
      'setting.not_found',
      'access.forbidden',
      'org.not_found',
      'project.not_found',
      'dataset.not_found',
      'setting.too_many',
    ],
  }),
  getSetting: route({
    method: 'GET',
    path: '/settings/:settingId',
    tag: 'Settings',
    summary: 'Gets a setting of a scope that the caller is in.',
    access: 'user',
    params,
    response: Setting,
    errors: ['setting.not_found'],
  }),
  updateSetting: route({
    method: 'PATCH',
    path: '/settings/:settingId',
    tag: 'Settings',
    summary: 'Changes a setting; its name, kind and scope stay. What is not sent stays too.',
    access: 'user',
    params,
    body: SettingChange,
    bodyBytesMax: BODY_BYTES_MAX,
    response: Setting,
    errors: ['setting.not_found', 'setting.invalid', 'access.forbidden'],
  }),
  deleteSetting: route({
    method: 'DELETE',
    path: '/settings/:settingId',
    tag: 'Settings',
    summary: 'Deletes a setting.',
    access: 'user',
    params,
    response: Setting,
    errors: ['setting.not_found', 'access.forbidden'],
  }),
  querySettings: route({
    method: 'POST',
    path: '/settings/query',
    tag: 'Settings',
    summary: 'Lists the settings of the scopes that the caller is in.',
    access: 'user',
    body: SettingQuery,
    response: page(Setting),
    errors: ['query.invalid'],
  }),
  resolveSettings: route({
    method: 'POST',
    path: '/settings/resolve',
    tag: 'Settings',
    summary:
      'Tells which settings count for the caller in a place: one of each name, the narrowest scope’s unless a wider one prevents that.',
    access: 'user',
    body: Resolution,
    response: z.array(Setting),
    errors: ['access.forbidden', 'org.not_found', 'project.not_found', 'dataset.not_found'],
  }),
}
