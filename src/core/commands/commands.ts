import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { newId } from '#lib/ids.ts'
import type { Caller, Deps } from '../deps.ts'

/** States the vendor's SDK knows; any other makes it fail. The last five are final. */
export const commandStates = [
  'created',
  'making-children',
  'waiting-children',
  'in-progress',
  'finalizing',
  'cleaning-up',
  'on-error',
  'success',
  'failed',
  'timeout',
  'canceled',
  'aborted',
] as const
export type CommandState = (typeof commandStates)[number]

/** Long work as callers poll it. `progress` is 0 to 100 and never null. */
export interface Command {
  readonly id: string
  readonly type: string
  readonly status: CommandState
  readonly progress: number
  readonly spec: Readonly<Record<string, unknown>>
  readonly error: string | null
  readonly errorCode: string | null
  readonly creator: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = `c.id, c.type, c.status, c.progress, c.spec, c.error, c.error_code as "errorCode", u.email as creator,
  c.created_at as "createdAt", c.updated_at as "updatedAt"`

/** Whom a command belongs to and what it is about. */
export interface NewCommand {
  readonly type: string
  readonly spec: Readonly<Record<string, unknown>>
  readonly orgId: string
  readonly projectId: string
  readonly creatorId: string
}

/** Puts a command on record, in the transaction that starts the work. Always `created`: the SDK does not notice one that is born failed. */
export async function createCommand(deps: Deps, tx: Db, command: NewCommand): Promise<Command> {
  const id = newId(deps.clock.now())
  await tx.query(
    'insert into command (id, type, status, spec, org_id, project_id, creator_id) values ($1, $2, $3, $4, $5, $6, $7)',
    [id, command.type, 'created', JSON.stringify(command.spec), command.orgId, command.projectId, command.creatorId],
  )
  const { rows } = await tx.query<Command>(
    `select ${columns} from command c join user_account u on u.id = c.creator_id where c.id = $1`,
    [id],
  )
  return rows[0]!
}

/** A command of a project the caller is in; `command.not_found` otherwise. */
export async function findCommand(db: Db, caller: Caller, id: string): Promise<Command> {
  const { rows } = await db.query<Command>(
    `select ${columns} from command c join user_account u on u.id = c.creator_id
      where c.id = $1 and exists (select 1 from project_member m where m.project_id = c.project_id and m.user_id = $2)`,
    [id, caller.userId],
  )
  if (!rows[0]) throw new AppError('command.not_found')
  return rows[0]
}

/** The caller's own commands, newest first; at most 1,000. */
export async function listCommands(db: Db, caller: Caller): Promise<Command[]> {
  const { rows } = await db.query<Command>(
    `select ${columns} from command c join user_account u on u.id = c.creator_id where c.creator_id = $1 order by c.created_at desc limit 1000`,
    [caller.userId],
  )
  return rows
}
