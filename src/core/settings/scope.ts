import type { SettingScopeType } from '#contract/settings.ts'
import { AppError } from '#lib/app-error.ts'
import { grant, isOperator } from '../access/access.ts'
import type { Caller, Deps } from '../deps.ts'

/** A scope as the table of settings keeps it: the key that stands for it, and the row it goes with. */
export interface Place {
  readonly key: string
  readonly orgId: string | null
  readonly projectId: string | null
  readonly datasetNo: number | null
  readonly userId: string | null
}

const nowhere = { orgId: null, projectId: null, datasetNo: null, userId: null }

/**
 * Finds the scope that a caller names and checks that they may read or write settings there.
 *
 * Throws the noun's own 404 where the caller is not in it, and `access.forbidden` where their role does not suffice. Tasks are not kept here, so nobody
 * can be in one: a setting of a task is its maker's own.
 */
export async function findPlace(
  deps: Deps,
  caller: Caller,
  scope: { type: SettingScopeType; id: string | null },
  purpose: 'read' | 'write',
): Promise<Place> {
  const mayWrite = purpose === 'write'
  const id = scope.id ?? ''
  switch (scope.type) {
    case 'DATALOOP':
      if (mayWrite && !(await isOperator(deps.db, caller))) {
        throw new AppError('access.forbidden', { message: 'Only who runs this server keeps settings for all of it.' })
      }
      return { ...nowhere, key: '' }
    case 'org':
      await grant(deps, caller, 'org', id, mayWrite ? 'admin' : 'worker')
      return { ...nowhere, key: id, orgId: id }
    case 'project':
      await grant(deps, caller, 'project', id, mayWrite ? 'engineer' : 'annotator')
      return { ...nowhere, key: id, projectId: id }
    case 'dataset': {
      const { datasetNo } = await grant(deps, caller, 'dataset', id, mayWrite ? 'engineer' : 'annotator')
      return { ...nowhere, key: id, datasetNo: datasetNo! }
    }
    case 'user':
      requireSelf(caller, id)
      return { ...nowhere, key: caller.userId, userId: caller.userId }
    case 'task':
      return { ...nowhere, key: `${caller.userId}/${id}` }
  }
}

/** Refuses anybody but the caller; people are named by id or e-mail address. */
export function requireSelf(caller: Caller, idOrEmail: string): void {
  if (idOrEmail === caller.userId || idOrEmail.toLowerCase() === caller.email.toLowerCase()) return
  throw new AppError('access.forbidden', { message: 'A user’s settings are for that user alone.' })
}
