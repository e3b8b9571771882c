import { type Resolution, type Setting, type SettingScopeType, settingScopes } from '#contract/settings.ts'
import { grant } from '../access/access.ts'
import type { Caller, Deps } from '../deps.ts'
import { render, type SettingRow, settingsAt } from './queries.ts'
import { requireSelf } from './scope.ts'

interface Standpoint {
  readonly scopes: readonly { type: SettingScopeType; key: string }[]
  /** What the caller is in those scopes: settings may be for one role only. */
  readonly roles: ReadonlySet<string>
}

/**
 * The settings that count for the caller in a place, one of each name.
 *
 * Narrower scopes come before wider ones, a dataset's before its project's; a setting that prevents overriding ends that for its name. In one scope the
 * setting for the caller's role comes before the one for everybody. A project stands for its organization too, a dataset for its project.
 */
export async function resolveSettings(deps: Deps, caller: Caller, place: Resolution): Promise<Setting[]> {
  if (place.userId !== null && place.userId !== undefined) requireSelf(caller, place.userId)
  const { scopes, roles } = await standpoint(deps, caller, place)
  const rows = (await settingsAt(deps.db, scopes)).filter((row) => row.scopeRole === '*' || roles.has(row.scopeRole))
  return winners(rows).map(render)
}

/** Of each name the one setting that counts, in the order of the rows. */
export function winners<Row extends Pick<SettingRow, 'name' | 'scopeType' | 'scopeRole' | 'preventOverride'>>(
  rows: readonly Row[],
): Row[] {
  const widthOf = (row: Row) => settingScopes.indexOf(row.scopeType)
  const ranked = [...rows].sort(
    (a, b) => widthOf(a) - widthOf(b) || Number(b.scopeRole === '*') - Number(a.scopeRole === '*'),
  )
  const best = new Map<string, Row>()
  const closed = new Map<string, SettingScopeType>()
  for (const row of ranked) {
    // Only a wider scope keeps a setting from counting, never its neighbour in the same one.
    const closedBy = closed.get(row.name)
    if (closedBy !== undefined && closedBy !== row.scopeType) continue
    best.set(row.name, row)
    if (row.preventOverride) closed.set(row.name, row.scopeType)
  }
  const kept = new Set(best.values())
  return rows.filter((row) => kept.has(row))
}

async function standpoint(deps: Deps, caller: Caller, place: Resolution): Promise<Standpoint> {
  const scopes: { type: SettingScopeType; key: string }[] = [
    { type: 'DATALOOP', key: '' },
    { type: 'user', key: caller.userId },
  ]
  const roles = new Set<string>()
  let { projectId, orgId } = place
  const enter = async (scope: 'dataset' | 'project', id: string) => {
    const granted = await grant(deps, caller, scope, id, 'annotator')
    scopes.push({ type: scope, key: id })
    for (const role of [granted.projectRole, granted.orgRole]) if (role !== undefined) roles.add(role)
    return granted
  }
  if (place.datasetId) {
    const granted = await enter('dataset', place.datasetId)
    projectId ??= granted.projectId
  }
  if (projectId) {
    const granted = await enter('project', projectId)
    // Through the project, so that a bot, which is in no organization, gets what holds for all of its projects.
    if (orgId === null || orgId === undefined || orgId === granted.orgId)
      scopes.push({ type: 'org', key: granted.orgId! })
    orgId = orgId === granted.orgId ? null : orgId
  }
  if (orgId) {
    const granted = await grant(deps, caller, 'org', orgId, 'worker')
    scopes.push({ type: 'org', key: orgId })
    if (granted.orgRole !== undefined) roles.add(granted.orgRole)
  }
  if (place.taskId) scopes.push({ type: 'task', key: `${caller.userId}/${place.taskId}` })
  return { scopes, roles }
}
