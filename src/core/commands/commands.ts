import { setTimeout as sleep } from 'node:timers/promises'
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
  /** Null: of the organization; then only who started it sees it. */
  readonly projectId: string | null
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

/** A command of a project the caller is in, or one of the caller's that belongs to no project; `command.not_found` otherwise. */
export async function findCommand(db: Db, caller: Caller, id: string): Promise<Command> {
  const { rows } = await db.query<Command>(
    `select ${columns} from command c join user_account u on u.id = c.creator_id
      where c.id = $1 and (exists (select 1 from project_member m where m.project_id = c.project_id and m.user_id = $2)
                          or c.project_id is null and c.creator_id = $2)`,
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

/** How often a command is looked at, and for how long at the most until it has begun and until it has ended. */
const LOOK_MS = 15
const BEGIN_MS = 150
const END_MS = 500

/**
 * Waits a moment for a command that has just been made, for whoever answers its caller: the vendor's SDK looks at a command at once, and then only after two
 * seconds, so what is small has ended by its first look. Work that takes longer, or that no worker has begun, is not waited for.
 */
export async function waitBriefly(db: Db, id: string): Promise<void> {
  const startMs = performance.now()
  for (;;) {
    await sleep(LOOK_MS)
    const { rows } = await db.query<{ status: CommandState }>('select status from command where id = $1', [id])
    const status = rows[0]?.status
    const waitedMs = performance.now() - startMs
    if (status === 'created' ? waitedMs > BEGIN_MS : status !== 'in-progress' || waitedMs > END_MS) return
  }
}

/** How a command can end for whoever asked for it. */
export type CommandEnd = 'success' | 'failed' | 'canceled'

/**
 * Ends a command, in the transaction that does the last of its work; what came of it is added to `spec`. Nothing happens when it has ended already.
 * `failure` is what is said of one that failed.
 */
export async function endCommand(
  tx: Db,
  id: string,
  status: CommandEnd,
  options: {
    readonly spec?: Readonly<Record<string, unknown>>
    readonly failure?: { readonly message?: string; readonly code?: string } | null
  } = {},
): Promise<void> {
  await tx.query(
    `update command
        set status = $2, progress = case when $2 = 'success' then 100 else progress end, spec = spec || $3::jsonb, error = $4, error_code = $5, updated_at = now()
      where id = $1 and status not in ('success', 'failed', 'timeout', 'canceled', 'aborted')`,
    [id, status, JSON.stringify(options.spec ?? {}), options.failure?.message ?? null, options.failure?.code ?? null],
  )
}

/** Says how far a command is, in percent; 99 at the most, because it ends otherwise. Nothing happens when it has ended already. */
export async function advanceCommand(
  tx: Db,
  id: string,
  percent: number,
  status: Extract<CommandState, 'in-progress' | 'cleaning-up'> = 'in-progress',
): Promise<void> {
  await tx.query(
    `update command set status = $2, progress = $3, updated_at = now()
      where id = $1 and status not in ('success', 'failed', 'timeout', 'canceled', 'aborted')`,
    [id, status, Math.max(0, Math.min(99, Math.floor(percent)))],
  )
}
