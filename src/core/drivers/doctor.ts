import type { Caller, Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { CHECK_FILE } from '#storage/check.ts'
import { type CorsTrial, tryCors } from '#storage/http/trials.ts'
import { addressableKey } from '#storage/key.ts'
import type { Capabilities, Probe, SignedRequest } from '#storage/port.ts'
import { readOnlyCapabilities } from '#storage/read-only.ts'
import { StorageError } from '#storage/storage-error.ts'
import { checkFields, integrationOf, requireDriver } from './change.ts'
import {
  type CheckOutcome,
  type CheckSubject,
  checkDriver,
  clockSentence,
  isFar,
  storageFailure,
  withStorage,
} from './check.ts'
import { type DriverDraft, describeDraft } from './draft.ts'
import { openDriver } from './open.ts'
import * as queries from './queries.ts'

/** Time for what is tried besides the rights. */
const TRIAL_MS = 20_000
/** How long the address of a browser's trial lives. */
const BROWSER_SECONDS = 300
/** What the browser's trial reads a part of; of the form of every check's file. */
const TRIAL = Buffer.from('Sluice tried its rights here. 0000000000000000\n')
const TRIAL_RANGE = { start: 7, end: 11 } as const

/** Everything that was found out about a driver, whether it is usable or not. */
export interface Diagnosis {
  readonly ok: boolean
  /** What to tell first; null when it is usable. */
  readonly failure: { readonly code: string; readonly message: string } | null
  readonly probes: readonly Probe[]
  readonly warnings: readonly string[]
  /** The region to set instead; null unless the storage told one. */
  readonly region: string | null
  /** Seconds by which this server's clock is ahead of the storage's; null where the storage has no clock or did not answer. */
  readonly clockAheadSeconds: number | null
  /** Null where no address is signed, or nothing answered. */
  readonly cors: CorsTrial | null
  /** What this storage can do with these credentials, as tried; null where nothing could be. */
  readonly capabilities: Capabilities | null
}

/** Examines a driver that is not saved; nothing is stored. Throws what is wrong with its description, and reports everything else. */
export async function examineDraft(deps: Deps, caller: Caller, draft: DriverDraft, origin: string): Promise<Diagnosis> {
  const subject = await describeDraft(deps, draft)
  return diagnose(deps, subject, await checkDriver(deps, subject, caller.userId, true), origin)
}

/** Examines a saved driver, and keeps the outcome of its check with it. Throws `driver.not_found`, `dataset.disconnected`. */
export async function examineDriver(deps: Deps, caller: Caller, id: string, origin: string): Promise<Diagnosis> {
  const driver = await requireDriver(deps, id)
  if (driver.state === 'disconnected') throw new AppError('dataset.disconnected')
  const subject = { ...driver, integration: integrationOf(driver) }
  const outcome = await checkDriver(deps, subject, caller.userId, true)
  await queries.recordCheck(deps.db, id, driver.epoch, checkFields(outcome, deps.clock.now()))
  return diagnose(deps, subject, outcome, origin)
}

async function diagnose(deps: Deps, subject: CheckSubject, outcome: CheckOutcome, origin: string): Promise<Diagnosis> {
  const { report, failure, clockAheadSeconds } = outcome
  const probes = report?.probes ?? []
  const isReadOnly = subject.config.readOnly === true
  const isSigning = probes.some(({ name, ok }) => name === 'sign' && ok)
  const cors = isSigning ? await corsOf(deps, subject, origin) : null
  const warnings = [...(report?.warnings ?? [])]
  if (clockAheadSeconds !== null && isFar(clockAheadSeconds)) warnings.push(clockSentence(clockAheadSeconds))
  return {
    ok: failure === null,
    failure: failure === null ? null : { code: failure.code, message: failure.message },
    probes,
    warnings,
    region: probes.find((probe) => probe.region !== undefined)?.region ?? null,
    clockAheadSeconds,
    cors,
    capabilities: report === null ? null : { ...report.capabilities, ...(isReadOnly && readOnlyCapabilities) },
  }
}

async function corsOf(deps: Deps, subject: CheckSubject, origin: string): Promise<CorsTrial | null> {
  try {
    return await withStorage(deps, subject, async (storage) => {
      const signed = await storage.signRead(checkKey(deps, subject.folder), { ttlSeconds: 60 })
      return tryCors(signed, origin, deps.egress, AbortSignal.timeout(TRIAL_MS))
    })
  } catch (error) {
    // The rights were tried before; what comes now is the same said again, or a storage that has gone meanwhile.
    if (error instanceof StorageError || error instanceof AppError) return null
    throw error
  }
}

function checkKey({ config }: Deps, folder: string): string {
  return `${folder}${config.hiddenFolder}/${CHECK_FILE}`
}

/** What a page is to fetch by itself, and what it must get. */
export interface BrowserTrial {
  readonly request: SignedRequest
  /** Text of the answer, which has status 206. */
  readonly text: string
  /** Headers that the page must be able to read. */
  readonly headers: readonly string[]
}

/**
 * Prepares the trial that only a browser can make: whether a page may fetch a file from the bucket by a signed address.
 *
 * Writes the test file of checks, whose place is fixed; the next check of a driver that may delete removes it.
 * Throws `driver.read_only` where nothing may be written, `storage.unsupported` where nothing is signed, and what the storage says.
 */
export async function prepareBrowserTrial(deps: Deps, driverId: string): Promise<BrowserTrial> {
  const { driver, storage } = await openDriver(deps, driverId)
  if (driver.config.readOnly === true) throw new AppError('driver.read_only')
  if (!storage.can.sign_read || !storage.can.write) {
    const message = 'This storage signs no addresses: files go through the server, and browsers need no right there.'
    throw new AppError('storage.unsupported', { message })
  }
  const key = checkKey(deps, driver.folder)
  addressableKey(key, { provider: storage.provider, op: 'signRead' })
  try {
    await storage.write(key, TRIAL, { sizeBytes: TRIAL.length, contentType: 'text/plain' })
    const { start, end } = TRIAL_RANGE
    const signed = await storage.signRead(key, { ttlSeconds: BROWSER_SECONDS })
    // A part of the file, because that is what players ask for, and what a rule of CORS must let through.
    const request = { ...signed, headers: { ...signed.headers, range: `bytes=${start}-${end}` } }
    return { request, text: TRIAL.toString('latin1', start, end + 1), headers: ['etag', 'content-range'] }
  } catch (error) {
    if (error instanceof StorageError) throw storageFailure(error)
    throw error
  }
}
