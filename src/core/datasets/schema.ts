import { type Command, createCommand, endCommand } from '#core/commands/commands.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Caller, Deps } from '../deps.ts'

/** Most paths of one dataset that are kept out of searches. */
const PATHS_MAX = 1_000

/** Paths of items' metadata that are kept out of searches, in the order they were added. */
export async function getSchema(db: Db, datasetNo: number): Promise<{ items: { unsearchablePaths: string[] } }> {
  const { rows } = await db.query<{ paths: string[] | null }>(
    `select options #> '{schema,unsearchablePaths}' as paths from dataset where dataset_no = $1`,
    [datasetNo],
  )
  if (rows[0] === undefined) throw new AppError('dataset.not_found')
  return { items: { unsearchablePaths: rows[0].paths ?? [] } }
}

/**
 * Keeps paths out of searches, or lets them in again. There is nothing to rebuild, because nothing is indexed by path; the command that the contract wants
 * has ended when the caller first looks at it. Throws `schema.too_many_paths`.
 */
export async function changeSchema(
  deps: Deps,
  caller: Caller,
  datasetNo: number,
  change: { readonly add?: readonly string[] | undefined; readonly remove?: readonly string[] | undefined },
): Promise<Command> {
  return withTransaction(deps.db, async (tx) => {
    const { rows } = await tx.query<{ id: string; projectId: string; orgId: string }>(
      `select d.id, d.project_id as "projectId", p.org_id as "orgId"
         from dataset d join project p on p.id = d.project_id where d.dataset_no = $1 for no key update of d`,
      [datasetNo],
    )
    if (rows[0] === undefined) throw new AppError('dataset.not_found')
    const { id, ...place } = rows[0]
    const { items } = await getSchema(tx, datasetNo)
    const paths = new Set([...items.unsearchablePaths, ...(change.add ?? [])])
    for (const path of change.remove ?? []) paths.delete(path)
    if (paths.size > PATHS_MAX) throw new AppError('schema.too_many_paths')
    await tx.query(
      `update dataset set options = options || jsonb_build_object('schema', jsonb_build_object('unsearchablePaths', $2::jsonb)), updated_at = now()
        where dataset_no = $1`,
      [datasetNo, JSON.stringify([...paths])],
    )
    const command = await createCommand(deps, tx, {
      type: 'datasetSchemaUpdate',
      spec: { datasetId: id },
      ...place,
      creatorId: caller.userId,
    })
    await endCommand(tx, command.id, 'success')
    return command
  })
}
