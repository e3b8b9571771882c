import { type ErrorCode, errors } from '#contract/errors.ts'
import type { Deps } from '#core/deps.ts'
import { openCredentials, recordAudit, type Trust } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import { CHECK_FILE } from '#storage/check.ts'
import { storageErrorCode } from '#storage/error-codes.ts'
import { clockAhead } from '#storage/http/trials.ts'
import { openStorage, type StorageSpec } from '#storage/open.ts'
import type { CheckReport, Probe, Storage } from '#storage/port.ts'
import { StorageError } from '#storage/storage-error.ts'
import { unsignedUrl } from '#storage/unsigned-url.ts'
import { inTurn } from './turns.ts'
import { type DriverConfig, driverType, unsupported } from './types.ts'

/** A check ends before the SDK's request does (120 s), so that its caller gets a reason instead of a time-out. */
const CHECK_MS = 90_000
const CLOCK_MS = 5_000
const AHEAD_SECONDS_MAX = 60
/** Failures that a wrong clock can be behind. */
const OF_CLOCKS: ReadonlySet<string> = new Set([
  'storage.clock_skew',
  'storage.bad_credentials',
  'storage.expired_credentials',
])
/** Further checks after one that read another check's test file. */
const REPEATS_MAX = 2

/** A driver as it is to be tried: saved or not. */
export interface CheckSubject {
  readonly type: string
  readonly config: DriverConfig
  readonly folder: string
  readonly allowDelete: boolean
  /** Null where the type needs none. */
  readonly integration: {
    readonly orgId: string
    readonly id: string
    readonly version: number
    readonly type: string
    readonly trust: Trust | null
  } | null
}

/** What a check found; `failure` is what to tell the caller, null when the driver is usable. */
export interface CheckOutcome {
  readonly report: CheckReport | null
  readonly failure: AppError | null
  /** Seconds by which this server's clock is ahead of the storage's; null where that is not known. */
  readonly clockAheadSeconds: number | null
}

/**
 * Really tries every right that a driver needs (DR-20, PM-01 to PM-06, PM-19), for saving and for testing. Nothing is stored here.
 *
 * `isThorough`: a file that was there before is read as well, and the storage's clock is asked for, not only where a failure may be due to it. `actorId`: who asked for it, for the audit of the integration whose credentials are opened; null: the server's own work.
 *
 * Never throws for what the storage says: a refused right, a wrong address or closed roots come back as the outcome's `failure`. So does
 * `driver.not_supported`, for types whose storage this version does not reach: nothing is ever taken for tried that was not.
 */
export async function checkDriver(
  deps: Deps,
  subject: CheckSubject,
  actorId: string | null = null,
  isThorough = false,
): Promise<CheckOutcome> {
  const refusal = unsupported(driverType(subject.type), subject.integration?.type ?? null)
  if (refusal !== null) return { report: null, failure: refusal, clockAheadSeconds: null }
  const outcome = await tryStorage(deps, subject, isThorough)
  if (subject.integration !== null) {
    const { failure } = outcome
    const details = { driverType: subject.type, isUsable: failure === null, ...(failure && { code: failure.code }) }
    await recordAudit(deps.db, { integrationId: subject.integration.id, actorId, action: 'checked', details })
  }
  return outcome
}

async function tryStorage(deps: Deps, subject: CheckSubject, isThorough: boolean): Promise<CheckOutcome> {
  const type = driverType(subject.type)
  try {
    return await withStorage(deps, subject, async (storage, spec) => {
      const place = `${type.fingerprint(subject.config, subject.integration?.id ?? null)} ${subject.folder}`
      const report = await inTurn(place, () => tryRights(deps, storage, subject, isThorough))
      const isClock = report.probes.some(({ ok, code }) => !ok && code !== undefined && OF_CLOCKS.has(code))
      const clockAheadSeconds = isClock || isThorough ? await clockOf(deps, spec, subject.folder) : null
      return { report, failure: report.ok ? null : checkFailure(report, clockAheadSeconds), clockAheadSeconds }
    })
  } catch (error) {
    const none = { report: null, clockAheadSeconds: null }
    if (error instanceof StorageError) return { ...none, failure: storageFailure(error) }
    if (error instanceof AppError && error.code.startsWith('integration.')) return { ...none, failure: error }
    throw error
  }
}

/** Opens the storage of a driver as it is to be tried, and closes it again. Throws the integration's failures, and the storage's own. */
export async function withStorage<T>(
  deps: Deps,
  subject: CheckSubject,
  use: (storage: Storage, spec: StorageSpec) => Promise<T>,
): Promise<T> {
  const credentials = subject.integration === null ? null : await openCredentials(deps, subject.integration)
  const { integration, folder, allowDelete } = subject
  const context = { settings: deps.config, credentials, integration, folder, allowDelete, known: null }
  const spec = driverType(subject.type).spec(subject.config, context)
  const storage = await openStorage(spec, deps.egress)
  try {
    return await use(storage, spec)
  } finally {
    await storage.close()
  }
}

async function clockOf(deps: Deps, spec: StorageSpec, folder: string): Promise<number | null> {
  const url = unsignedUrl(spec, `${folder}${deps.config.hiddenFolder}/${CHECK_FILE}`)
  return url === null ? null : clockAhead(url, deps.clock, deps.egress, AbortSignal.timeout(CLOCK_MS))
}

/** One check, or a few where its test file seems to have met that of a check in another process. */
async function tryRights(
  deps: Deps,
  storage: Storage,
  subject: CheckSubject,
  isThorough: boolean,
): Promise<CheckReport> {
  const signal = AbortSignal.timeout(CHECK_MS)
  const { folder, allowDelete } = subject
  for (let repeats = 0; ; repeats++) {
    const { hiddenFolder } = deps.config
    const isReadOnly = subject.config.readOnly === true
    const report = await storage.check({ folder, allowDelete, isReadOnly, hiddenFolder, isThorough, signal })
    if (report.ok || repeats === REPEATS_MAX || !report.probes.some(looksLikeMeeting)) return report
  }
}

function looksLikeMeeting({ ok, name, code }: Probe): boolean {
  return !ok && name !== 'list' && (code === 'storage.invalid_answer' || code === 'storage.not_found')
}

/** A failure of the storage in the words of the contract, for whoever asked. */
export function storageFailure(error: StorageError): AppError {
  const { provider, op, requestId, providerCode, region } = error.facts
  const details = { provider, op, requestId, providerCode, region }
  return new AppError(storageErrorCode(error), { message: error.message, details, cause: error })
}

/**
 * The one error that stands for a failed check: the precise code where all that failed has one cause (wrong region, no such bucket, …), otherwise
 * `driver.check_failed`, whose message names the rights. The details hold every probe.
 */
function checkFailure(report: CheckReport, clockAheadSeconds: number | null): AppError {
  const failed = report.probes.filter((probe) => !probe.ok && !probe.optional)
  const [first] = failed
  const region = failed.find((probe) => probe.region !== undefined)?.region
  const isClock = clockAheadSeconds !== null && (first?.code === 'storage.clock_skew' || isFar(clockAheadSeconds))
  const known = { ...(region !== undefined && { region }), ...(isClock && { clockAheadSeconds }) }
  const details = { probes: report.probes, warnings: report.warnings, ...known }
  // A check is aborted by its own clock only: the storage took too long.
  if (first?.code === 'server.stopping') return new AppError('storage.unreachable', { details })
  const code = first?.code
  const isOneCause = isErrorCode(code) && code !== 'storage.denied' && failed.every((probe) => probe.code === code)
  if (isOneCause) {
    const said = first?.message ?? errors[code].message
    return new AppError(code, { message: isClock ? `${said} ${clockSentence(clockAheadSeconds)}` : said, details })
  }
  const message = `The storage did not allow what the driver needs. ${sentences(failed).join(' ')}`
  return new AppError('driver.check_failed', { message, details })
}

/** What failed, each reason once: probes that could not be tried repeat the reason of the one they hang on. */
function sentences(failed: readonly Probe[]): string[] {
  const said: string[] = []
  for (const { name, message = `${name} failed.` } of failed) {
    if (!said.some((earlier) => message.includes(earlier))) said.push(message)
  }
  return said
}

function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && code in errors
}

/** Whether somebody should know of a difference of clocks, although most storages allow fifteen minutes. */
export function isFar(aheadSeconds: number): boolean {
  return Math.abs(aheadSeconds) > AHEAD_SECONDS_MAX
}

/** The difference of the clocks, for people. */
export function clockSentence(aheadSeconds: number): string {
  const how = aheadSeconds > 0 ? 'ahead of' : 'behind'
  return `This server’s clock is ${Math.abs(aheadSeconds)} seconds ${how} the storage’s.`
}
