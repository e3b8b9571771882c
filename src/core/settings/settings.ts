import type { NewSetting, Setting, SettingChange } from '#contract/settings.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { isId, newId } from '#lib/ids.ts'
import type { Caller, Deps } from '../deps.ts'
import {
  changeSetting,
  countOthers,
  deleteSetting,
  findSetting,
  render,
  type SettingRow,
  saveSetting,
  visibleSettings,
} from './queries.ts'
import { findPlace } from './scope.ts'
import { checkValue } from './value.ts'

export { compileSettingFilter, sortSettings } from './filter.ts'
export { resolveSettings } from './resolve.ts'

/** Settings that one scope may have; all that a user sees are read for every query. */
const SETTINGS_MAX = 1_000

/** Keeps a setting; one of the same name, scope and role is replaced and keeps its id, so that a repeated request makes one. */
export async function createSetting(deps: Deps, caller: Caller, given: NewSetting): Promise<Setting> {
  const scope = { type: given.scope.type, id: given.scope.id ?? null }
  const place = await findPlace(deps, caller, scope, 'write')
  checkValue(given.valueType, given.value)
  const others = await countOthers(deps.db, { type: scope.type, key: place.key, name: given.name })
  if (others >= SETTINGS_MAX) throw new AppError('setting.too_many')
  const row = await saveSetting(deps.db, caller, place, {
    id: newId(deps.clock.now()),
    name: given.name,
    value: given.value,
    valueType: given.valueType,
    defaultValue: given.defaultValue,
    scopeType: scope.type,
    scopeId: scope.id,
    scopeRole: given.scope.role ?? '*',
    preventOverride: given.scope.preventOverride ?? false,
    isVisible: given.scope.visible ?? true,
    settingType: given.settingType ?? 'user_settings',
    metadata: given.metadata,
    description: given.description ?? null,
    inputs: given.inputs,
    icon: given.icon ?? null,
    sectionName: given.sectionName ?? null,
    subSectionName: given.subSectionName ?? null,
    hint: given.hint ?? null,
  }).catch((cause: unknown) => {
    // What the scope stands for was deleted meanwhile.
    if ((cause as { code?: unknown }).code === '23503') throw new AppError('setting.not_found', { cause })
    throw cause
  })
  return render(row)
}

/** A setting of a scope that the caller is in; `setting.not_found` otherwise. */
export async function getSetting(deps: Deps, caller: Caller, id: string): Promise<Setting> {
  return render(await readable(deps, deps.db, caller, id, 'free'))
}

/** The settings of every scope that the caller is in, oldest first. */
export async function listSettings(deps: Deps, caller: Caller): Promise<Setting[]> {
  return (await visibleSettings(deps.db, caller)).map(render)
}

/** Changes a setting. Its name, kind and scope stay: the SDK cannot send the first, and sends the second wrongly. */
export async function updateSetting(deps: Deps, caller: Caller, id: string, change: SettingChange): Promise<Setting> {
  return await withTransaction(deps.db, async (tx) => {
    const old = await writable(deps, tx, caller, id)
    const scope = change.scope
    if (scope && (scope.type !== old.scopeType || (scope.id ?? null) !== old.scopeId)) {
      throw new AppError('setting.invalid', {
        message: 'Invalid input specified, A setting stays in its scope; make one there instead.',
      })
    }
    const next: SettingRow = {
      ...old,
      ...said(change, ['value', 'defaultValue', 'metadata', 'inputs']),
      ...said(change, ['description', 'icon', 'sectionName', 'subSectionName', 'hint']),
      valueType: change.valueType ?? old.valueType,
      scopeRole: scope?.role ?? old.scopeRole,
      preventOverride: scope?.preventOverride ?? old.preventOverride,
      isVisible: scope?.visible ?? old.isVisible,
    }
    checkValue(next.valueType, next.value)
    return render(await saveChange(tx, next))
  })
}

/** Removes a setting and answers it. */
export async function removeSetting(deps: Deps, caller: Caller, id: string): Promise<Setting> {
  return await withTransaction(deps.db, async (tx) => {
    const row = await writable(deps, tx, caller, id)
    await deleteSetting(tx, id)
    return render(row)
  })
}

/** Those of the named fields that a change has, null included: what is not sent stays. */
function said<Field extends keyof SettingChange & keyof SettingRow>(
  change: SettingChange,
  names: readonly Field[],
): Partial<Pick<SettingRow, Field>> {
  const found = names.filter((name) => change[name] !== undefined).map((name) => [name, change[name]])
  return Object.fromEntries(found) as Partial<Pick<SettingRow, Field>>
}

async function saveChange(tx: Db, next: SettingRow): Promise<SettingRow> {
  try {
    return await changeSetting(tx, next)
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== '23505') throw cause
    throw new AppError('setting.invalid', {
      message: 'Invalid input specified, The scope has a setting of this name for that role already.',
      cause,
    })
  }
}

async function readable(deps: Deps, db: Db, caller: Caller, id: string, lock: 'locked' | 'free'): Promise<SettingRow> {
  const row = isId(id) ? await findSetting(db, id, lock) : undefined
  if (row === undefined) throw new AppError('setting.not_found')
  if (!(await isReadable(deps, caller, row))) throw new AppError('setting.not_found')
  return row
}

async function writable(deps: Deps, tx: Db, caller: Caller, id: string): Promise<SettingRow> {
  const row = await readable(deps, tx, caller, id, 'locked')
  await findPlace(deps, caller, scopeOf(row), 'write')
  return row
}

/** Whether the caller is in a setting's scope: nobody learns of settings elsewhere. */
async function isReadable(deps: Deps, caller: Caller, row: SettingRow): Promise<boolean> {
  try {
    return (await findPlace(deps, caller, scopeOf(row), 'read')).key === row.scopeKey
  } catch (error) {
    if (error instanceof AppError && error.status < 500) return false
    throw error
  }
}

function scopeOf(row: SettingRow) {
  return { type: row.scopeType, id: row.scopeId }
}
