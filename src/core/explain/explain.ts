import { type Explanation, explanations, remarks } from '#contract/explain.ts'
import { openDriver } from '#core/drivers/drivers.ts'
import { readKeys } from '#core/hints/hints.ts'
import { AppError } from '#lib/app-error.ts'
import { toIso } from '#lib/clock.ts'
import { storageErrorCode } from '#storage/error-codes.ts'
import { StorageError } from '#storage/storage-error.ts'
import type { Deps } from '../deps.ts'
import { checks, remarksOn } from './checks.ts'
import {
  type Asked,
  type Candidate,
  candidatesOf,
  type ExplainedDataset,
  type Facts,
  hasTopFolder,
  isAheadOf,
  type Known,
  readDataset,
  readKnown,
} from './facts.ts'

/** Longest wait for the storage: a person is waiting. */
const ASK_MS_MAX = 5_000

/**
 * Tells why a key is an item of a dataset, or why it is not: what the database knows of it, and what the storage says at this moment.
 *
 * `typed` may be a full key, or a path below the driver's folder with or without a slash in front; of several readings the one that is known counts,
 * then the one whose file is there, then the likeliest. The answer says which it was. Throws `dataset.not_found`.
 */
export async function explainKey(deps: Deps, datasetNo: number, typed: string): Promise<Explanation> {
  const dataset = await readDataset(deps.db, datasetNo)
  const candidates = candidatesOf(deps, dataset.folder, typed)
  const first = candidates[0]
  // Only the folder itself is no reading: there is nothing in it to look for.
  if (first === undefined) return answer(outside(dataset, typed), 'outside-folder')
  const known = new Map<Candidate, Known>()
  for (const candidate of candidates) known.set(candidate, await readKnown(deps.db, dataset, candidate))
  const asked = await askStorage(deps, dataset, candidates)
  const isThere = (candidate: Candidate) => {
    const said = asked.get(candidate)
    return said !== undefined && said !== null && 'sighting' in said && said.sighting !== null
  }
  const chosen = candidates.find((each) => isKnown(known.get(each)!)) ?? candidates.find(isThere)
  const meant = chosen ?? first
  const facts: Facts = {
    ...meant,
    ...known.get(meant)!,
    dataset,
    asked: asked.get(meant) ?? null,
    isAhead: await isAheadOf(deps.db, dataset.running, meant.key),
  }
  // A path in a folder that the dataset does not have was more likely meant as a full key. The bucket is never asked for what lies outside the folder.
  const isOutside =
    chosen === undefined &&
    first.reading !== 'full-key' &&
    answersNo(facts) &&
    !(await hasTopFolder(deps.db, datasetNo, meant.place))
  return answer(facts, isOutside ? 'outside-folder' : null)
}

const isKnown = ({ item, removed, skipped, dirty }: Known) =>
  item !== null || removed !== null || skipped !== null || dirty !== null

function answersNo({ asked, place }: Facts): boolean {
  return place.kind === 'item' && asked !== null && 'sighting' in asked && asked.sighting === null
}

function outside(dataset: ExplainedDataset, typed: string): Facts {
  const nothing = { item: null, removed: null, skipped: null, dirty: null, asked: null, isAhead: false }
  return {
    ...nothing,
    dataset,
    reading: 'full-key',
    key: Buffer.from(typed),
    place: { kind: 'item', path: '', name: '', flags: 0 },
  }
}

/** Asks the storage for all readings of a key at once, by the rule of absence; what it cannot say is no answer. */
async function askStorage(
  deps: Deps,
  dataset: ExplainedDataset,
  candidates: readonly Candidate[],
): Promise<Map<Candidate, Asked>> {
  if (dataset.driverId === null) return new Map()
  const sorted = candidates.filter(({ place }) => place.kind !== 'own').sort((a, b) => a.key.compare(b.key))
  if (sorted.length === 0) return new Map()
  try {
    const open = await openDriver(deps, dataset.driverId)
    const keys = sorted.map(({ key }) => key)
    const readings = await readKeys(open, keys, AbortSignal.timeout(ASK_MS_MAX), { requests: 0 })
    return new Map(
      sorted.map((candidate, index) => {
        const reading = readings[index]!
        return [candidate, 'failure' in reading ? { errorCode: codeOf(reading.failure) } : reading]
      }),
    )
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return new Map(sorted.map((candidate) => [candidate, { errorCode: error.code }]))
  }
}

function codeOf(failure: unknown): string {
  if (!(failure instanceof StorageError)) throw failure
  // Ours is the only signal: it was the time that ran out.
  return failure.kind === 'aborted' ? 'storage.unavailable' : storageErrorCode(failure)
}

function answer(facts: Facts, forced: 'outside-folder' | null): Explanation {
  const found = forced === null ? firstOf(facts) : { code: forced, details: {} }
  const { code, details } = found
  const { asked, item, removed } = facts
  const sighting = asked !== null && 'sighting' in asked ? asked.sighting : null
  const { sinceMs, sync } = details
  return {
    code,
    message: explanations[code],
    key: facts.key.toString(),
    reading: facts.reading,
    itemId: item?.id ?? removed?.id ?? null,
    since: sinceMs === undefined || sinceMs === null ? null : toIso(sinceMs),
    reason: details.reason ?? null,
    rule: details.rule ?? null,
    sync: sync ? { commandId: sync.commandId, state: sync.state, at: toIso(sync.atMs) } : null,
    storage: {
      found: asked !== null && 'sighting' in asked ? asked.sighting !== null : null,
      sizeBytes: sighting?.sizeBytes ?? null,
      modifiedAt: sighting === null ? null : toIso(sighting.modifiedMs),
      error: asked !== null && 'errorCode' in asked ? asked.errorCode : null,
    },
    remarks: remarksOn(facts, code).map((remark) => ({ code: remark, message: remarks[remark] })),
  }
}

function firstOf(facts: Facts) {
  for (const { code, applies } of checks) {
    const details = applies(facts)
    if (details !== null) return { code, details }
  }
  throw new Error('the last check always applies')
}
