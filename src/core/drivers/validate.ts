import { advanceCommand, type Command, createCommand, endCommand } from '#core/commands/commands.ts'
import type { Caller, Deps } from '#core/deps.ts'
import {
  type Credentials,
  getIntegration,
  integrationType,
  openCredentials,
  recordAudit,
  type Trust,
  tryAssumedRole,
  tryRegistryLogins,
  tryTrust,
} from '#core/integrations/integrations.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { StorageError } from '#storage/storage-error.ts'
import { checkFields, integrationOf, requireDriver } from './change.ts'
import { checkDriver, storageFailure } from './check.ts'
import * as queries from './queries.ts'

/** Name of the job that tries the storage drivers of an integration. */
export const VALIDATE_JOB = 'drivers.validate'
/** Type of the command that stands for it. */
const COMMAND = 'validateDrivers'
/** Drivers tried at once, each with connections of its own; also what one slice does. */
const BATCH = 4
/** A worker that is silent for so long is taken to be dead; a check ends after 90 seconds. */
const SILENT_SECONDS = 150

/** What became of one driver. */
interface Outcome {
  readonly driverId: string
  readonly driverName: string
  readonly projectId: string
  readonly status: 'waiting' | 'passed' | 'failed'
  readonly code?: string
  readonly message?: string
}

/** Tries a saved driver again (PM-19) and keeps the outcome with it; resolves when it is usable, throws its failure otherwise. */
export async function testDriver(deps: Deps, actorId: string | null, id: string): Promise<void> {
  const driver = await requireDriver(deps, id)
  if (driver.state === 'disconnected') throw new AppError('dataset.disconnected')
  const outcome = await checkDriver(deps, { ...driver, integration: integrationOf(driver) }, actorId)
  // If the driver was changed meanwhile, this outcome is not about it and is not kept.
  await queries.recordCheck(deps.db, id, driver.epoch, checkFields(outcome, deps.clock.now()))
  if (outcome.failure !== null) throw outcome.failure
}

/**
 * Tries what an integration holds, as far as this version can; resolves when it works.
 *
 * An access key is tried through the oldest storage driver that uses it, because only a bucket says whether it is accepted. Throws `integration.not_supported`
 * where nothing can be tried, so that no answer is ever taken for a success; `integration.unreadable`; or what the storage says.
 */
export async function testIntegration(deps: Deps, caller: Caller, orgId: string, id: string): Promise<void> {
  const integration = await getIntegration(deps, orgId, id)
  const credentials = await openCredentials(deps, integration)
  const type = integrationType(integration.type)
  if (type?.supported !== true) {
    const message = `Integrations of the kind “${type?.label ?? integration.type}” are not supported yet: what was entered is kept sealed, but cannot be tried.`
    throw new AppError('integration.not_supported', { message })
  }
  if (type.driverTypes.length === 0 || integration.trust !== null)
    await recordAudit(deps.db, { integrationId: id, actorId: caller.userId, action: 'checked' })
  // A named secret is nobody's credential: that it opens is all there is to try.
  if (type.driverTypes.length === 0) return
  if (integration.trust !== null) {
    const proof = await tryTrust(deps, orgId, id)
    if (proof === null) throw new AppError('integration.not_trusted', trustReason(integration.trust))
    if (!proof.ok) throw new AppError(proof.code, { message: proof.reason })
    return
  }
  if (type.type === 'private-registry') return tryRegistry(deps, credentials)
  const drivers = await queries.selectDriversOf(deps.db, orgId, id)
  const usable = drivers.find((driver) => driver.state !== 'unsupported')
  if (usable === undefined && type.type === 'aws-sts') return tryAssumedRole(deps, orgId, credentials)
  if (usable === undefined) {
    const message = 'Only a bucket can say whether this key is accepted: make a storage driver with it, that tries it.'
    throw new AppError('integration.not_supported', { message })
  }
  await testDriver(deps, caller.userId, usable.id)
}

/** A registry itself says whether it accepts user and password; no driver is needed for that (RG-10). */
async function tryRegistry(deps: Deps, credentials: Credentials): Promise<void> {
  try {
    await tryRegistryLogins(deps, credentials)
  } catch (error) {
    if (error instanceof StorageError) throw storageFailure(error)
    throw error
  }
}

function trustReason({ reason }: Trust) {
  return reason === null ? {} : { message: reason }
}

/** Starts trying every storage driver of an integration (PM-20); the command's spec tells of each by its name. */
export async function validateDrivers(
  deps: Deps,
  caller: Caller,
  integration: { readonly orgId: string; readonly id: string },
): Promise<Command> {
  const { orgId, id } = integration
  const drivers = (await queries.selectDriversOf(deps.db, orgId, id)).map(
    (driver): Outcome => ({
      driverId: driver.id,
      driverName: driver.name,
      projectId: driver.projectId,
      status: 'waiting',
    }),
  )
  return withTransaction(deps.db, async (tx) => {
    const spec = { integrationId: id, drivers }
    const command = await createCommand(deps, tx, {
      type: COMMAND,
      spec,
      orgId,
      projectId: null,
      creatorId: caller.userId,
    })
    await enqueue(deps, tx, command.id)
    return command
  })
}

async function enqueue(deps: Deps, tx: Db, commandId: string): Promise<void> {
  await deps.queue.enqueue(tx, VALIDATE_JOB, { commandId }, { key: `validate:${commandId}` })
}

/** For the job: tries the next few drivers, writes down what came of each, and puts itself into the queue again while there are more. */
export async function continueValidation(deps: Deps, commandId: string): Promise<void> {
  const todo = ((await readOutcomes(deps.db, commandId)) ?? [])
    .filter((one) => one.status === 'waiting')
    .slice(0, BATCH)
  const tried = await Promise.all(todo.map((one) => tryDriver(deps, commandId, one)))
  await withTransaction(deps.db, async (tx) => {
    const known = await readOutcomes(tx, commandId)
    if (known === null) return
    const all = known.map((one) => tried.find(({ driverId }) => driverId === one.driverId) ?? one)
    const waiting = all.filter((one) => one.status === 'waiting').length
    const failed = all.filter((one) => one.status === 'failed').length
    if (waiting === 0) {
      const spec = { drivers: all, passed: all.length - failed, failed }
      await endCommand(tx, commandId, 'success', { spec })
      return
    }
    await tx.query('update command set spec = spec || $2::jsonb where id = $1', [
      commandId,
      JSON.stringify({ drivers: all }),
    ])
    await advanceCommand(tx, commandId, (100 * (all.length - waiting)) / all.length)
    await enqueue(deps, tx, commandId)
  })
}

/** Ends a trial where it is; what was found out so far stays with the drivers. False when the command is of another kind. */
export async function cancelValidation(deps: Deps, command: Command): Promise<boolean> {
  if (command.type !== COMMAND) return false
  await endCommand(deps.db, command.id, 'canceled')
  return true
}

/** For the clockwork: puts trials that nobody works on into the queue again. */
export async function reviveValidations(deps: Deps): Promise<void> {
  const { rows } = await deps.db.query<{ id: string }>(
    `select id from command
      where type = '${COMMAND}' and status in ('created', 'in-progress') and updated_at < now() - make_interval(secs => $1)`,
    [SILENT_SECONDS],
  )
  for (const { id } of rows) await enqueue(deps, deps.db, id)
}

/** Null when the command is not running any more. Inside a transaction it stays locked. */
async function readOutcomes(db: Db, commandId: string): Promise<Outcome[] | null> {
  const { rows } = await db.query<{ drivers: Outcome[] }>(
    `select spec->'drivers' as drivers from command where id = $1 and status in ('created', 'in-progress') for update`,
    [commandId],
  )
  return rows[0]?.drivers ?? null
}

async function tryDriver(deps: Deps, commandId: string, one: Outcome): Promise<Outcome> {
  try {
    const { rows } = await deps.db.query<{ id: string }>('select creator_id as id from command where id = $1', [
      commandId,
    ])
    await testDriver(deps, rows[0]?.id ?? null, one.driverId)
    return { ...one, status: 'passed' }
  } catch (error) {
    if (!(error instanceof AppError)) deps.log.error({ driverId: one.driverId, err: error }, 'driver check failed')
    const told = error instanceof AppError ? error : new AppError('server.internal')
    return { ...one, status: 'failed', code: told.code, message: told.message }
  }
}
