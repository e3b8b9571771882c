import type { Setting, SettingScopeType } from '#contract/settings.ts'
import type { Db } from '#db/connect.ts'
import type { Caller } from '../deps.ts'
import type { Place } from './scope.ts'

const columns = `s.id, s.name, s.value, s.value_type as "valueType", s.default_value as "defaultValue",
  s.scope_type as "scopeType", s.scope_id as "scopeId", s.scope_key as "scopeKey", s.scope_role as "scopeRole",
  s.prevent_override as "preventOverride", s.is_visible as "isVisible", s.setting_type as "settingType", s.metadata, s.description, s.inputs, s.icon,
  s.section_name as "sectionName", s.sub_section_name as "subSectionName", s.hint`

/** A row of the table. */
export interface SettingRow extends Omit<Setting, 'scope'> {
  readonly scopeType: SettingScopeType
  readonly scopeId: string | null
  readonly scopeKey: string
  readonly scopeRole: Setting['scope']['role']
  readonly preventOverride: boolean
  readonly isVisible: boolean
}

/** A setting as the API shows it. */
export function render(row: SettingRow): Setting {
  return {
    id: row.id,
    name: row.name,
    value: row.value,
    valueType: row.valueType,
    defaultValue: row.defaultValue,
    scope: {
      type: row.scopeType,
      id: row.scopeId,
      role: row.scopeRole,
      preventOverride: row.preventOverride,
      visible: row.isVisible,
    },
    settingType: row.settingType,
    metadata: row.metadata,
    description: row.description,
    inputs: row.inputs,
    icon: row.icon,
    sectionName: row.sectionName,
    subSectionName: row.subSectionName,
    hint: row.hint,
  }
}

/** What a setting says, in the order of its columns from `value_type` to `hint`. */
function saidBy(setting: Omit<SettingRow, 'scopeKey'>): unknown[] {
  const { valueType, value, defaultValue, metadata, inputs, description, icon, sectionName, subSectionName, hint } =
    setting
  return [
    valueType,
    json(value),
    json(defaultValue),
    json(metadata),
    json(inputs),
    description,
    icon,
    sectionName,
    subSectionName,
    hint,
  ]
}

/** Keeps a setting, in the place of the one with the same name, scope and role if there is one; that keeps its id. */
export async function saveSetting(
  db: Db,
  caller: Caller,
  place: Place,
  setting: Omit<SettingRow, 'scopeKey'>,
): Promise<SettingRow> {
  const { rows } = await db.query<SettingRow>(
    `insert into setting as s (id, name, scope_type, scope_id, scope_key, scope_role, prevent_override, is_visible, org_id, project_id, dataset_no, user_id,
                               setting_type, value_type, value, default_value, metadata, inputs, description, icon, section_name, sub_section_name, hint,
                               creator_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
     on conflict (scope_type, scope_key, name, scope_role) do update
        set scope_id = excluded.scope_id, prevent_override = excluded.prevent_override, is_visible = excluded.is_visible,
            setting_type = excluded.setting_type, value_type = excluded.value_type, value = excluded.value, default_value = excluded.default_value,
            metadata = excluded.metadata, inputs = excluded.inputs, description = excluded.description, icon = excluded.icon,
            section_name = excluded.section_name, sub_section_name = excluded.sub_section_name, hint = excluded.hint, updated_at = now()
     returning ${columns}`,
    [
      setting.id,
      setting.name,
      setting.scopeType,
      setting.scopeId,
      place.key,
      setting.scopeRole,
      setting.preventOverride,
      setting.isVisible,
      place.orgId,
      place.projectId,
      place.datasetNo,
      place.userId,
      setting.settingType,
      ...saidBy(setting),
      caller.userId,
    ],
  )
  return rows[0]!
}

/** Changes what a setting says; where it is kept and what it is called stay. */
export async function changeSetting(db: Db, setting: SettingRow): Promise<SettingRow> {
  const { rows } = await db.query<SettingRow>(
    `update setting s set scope_role = $2, prevent_override = $3, is_visible = $4, value_type = $5, value = $6, default_value = $7, metadata = $8,
            inputs = $9, description = $10, icon = $11, section_name = $12, sub_section_name = $13, hint = $14, updated_at = now()
      where id = $1 returning ${columns}`,
    [setting.id, setting.scopeRole, setting.preventOverride, setting.isVisible, ...saidBy(setting)],
  )
  return rows[0]!
}

/** How many settings of other names are kept at a scope. */
export async function countOthers(
  db: Db,
  scope: { type: SettingScopeType; key: string; name: string },
): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    'select count(*) as n from setting where scope_type = $1 and scope_key = $2 and name <> $3',
    [scope.type, scope.key, scope.name],
  )
  return rows[0]?.n ?? 0
}

/** A setting, whoever may see it; locked until the transaction ends where it is to be changed. */
export async function findSetting(db: Db, id: string, lock: 'locked' | 'free'): Promise<SettingRow | undefined> {
  const { rows } = await db.query<SettingRow>(
    `select ${columns} from setting s where s.id = $1 ${lock === 'locked' ? 'for update' : ''}`,
    [id],
  )
  return rows[0]
}

/** Removes a setting. */
export async function deleteSetting(db: Db, id: string): Promise<void> {
  await db.query('delete from setting where id = $1', [id])
}

/** The settings of every scope that a user is in, oldest first. */
export async function visibleSettings(db: Db, caller: Caller): Promise<SettingRow[]> {
  const { rows } = await db.query<SettingRow>(
    `select ${columns} from setting s
      where s.scope_type = 'DATALOOP' or s.user_id = $1 or (s.scope_type = 'task' and s.creator_id = $1)
         or s.org_id in (select org_id from org_member where user_id = $1)
         or s.project_id in (select project_id from project_member where user_id = $1)
         or s.dataset_no in (select d.dataset_no from dataset d join project_member m on m.project_id = d.project_id where m.user_id = $1)
      order by s.created_at, s.id`,
    [caller.userId],
  )
  return rows
}

/** The settings of the given scopes, by type and key. */
export async function settingsAt(
  db: Db,
  scopes: readonly { type: SettingScopeType; key: string }[],
): Promise<SettingRow[]> {
  const { rows } = await db.query<SettingRow>(
    `select ${columns} from setting s join unnest($1::text[], $2::text[]) as w (type, key) on s.scope_type = w.type and s.scope_key = w.key
      order by s.created_at, s.id`,
    [scopes.map(({ type }) => type), scopes.map(({ key }) => key)],
  )
  return rows
}

function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value)
}
