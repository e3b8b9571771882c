import type { Explanation, ExplanationCode } from '#contract/explain.ts'

/** What has to be true of a key so that it is an item that can be opened, in the order in which it is told. */
export const steps = [
  'connected',
  'folder',
  'hidden',
  'possible',
  'access',
  'storage',
  'patterns',
  'file',
  'dataPoints',
  'kept',
  'sync',
] as const
/** One of them. */
export type Step = (typeof steps)[number]

/** `remark`: it holds, and there is something to be said. `unasked`: a step before it is the answer. */
export type StepState = 'passed' | 'stopped' | 'unknown' | 'unasked' | 'remark'

/** The step at which an answer stops the key; null where it is an item as it should be. */
const stops: Readonly<Record<ExplanationCode, Step | null>> = {
  'not-external': 'connected',
  'outside-folder': 'folder',
  'hidden-folder': 'hidden',
  skipped: 'possible',
  forbidden: 'access',
  'storage-silent': 'storage',
  'not-in-storage': 'storage',
  missing: 'storage',
  excluded: 'patterns',
  marker: 'file',
  'over-quota': 'dataPoints',
  removed: 'kept',
  waiting: 'sync',
  'not-reached': 'sync',
  'not-synced': 'sync',
  indexed: null,
  unaddressable: null,
}

/** How an answer is to be taken: here, here with something to mind, not yet, not here. */
export type Verdict = 'good' | 'mind' | 'wait' | 'bad'

/** How an answer is to be taken, by its code and what is true besides. */
export function verdictOf({ code, remarks }: Pick<Explanation, 'code' | 'remarks'>): Verdict {
  if (code === 'waiting' || code === 'not-reached' || code === 'not-synced') return 'wait'
  if (code === 'indexed') return remarks.some((remark) => remark.code === 'gone-since') ? 'mind' : 'good'
  return code === 'missing' || code === 'unaddressable' ? 'mind' : 'bad'
}

type Told = Pick<Explanation, 'code' | 'storage' | 'remarks'>

/**
 * The state of every step, from the one answer that the API gives and what the storage said. A step is never said to have passed that nobody
 * looked at: what the storage did not tell is unknown.
 */
export function chainOf(told: Told): readonly { step: Step; state: StepState }[] {
  const stop = stopOf(told)
  const end = stop === null ? steps.length : steps.indexOf(stop)
  return steps.map((step, index) => ({ step, state: index > end ? 'unasked' : stateOf(step, step === stop, told) }))
}

function has({ remarks }: Told, code: Explanation['remarks'][number]['code']): boolean {
  return remarks.some((remark) => remark.code === code)
}

/** A missing file that is back waits for a sync only. */
function stopOf(told: Told): Step | null {
  return told.code === 'missing' && has(told, 'back-since') ? 'sync' : stops[told.code]
}

function stateOf(step: Step, isStop: boolean, told: Told): StepState {
  const { found } = told.storage
  if (step === 'storage') {
    if (found === null) return isStop && told.code === 'missing' ? 'stopped' : 'unknown'
    return found ? 'passed' : 'stopped'
  }
  if (isStop) return 'stopped'
  if (step === 'access') return found === null ? 'unknown' : 'passed'
  if (step === 'possible') return told.code === 'unaddressable' ? 'remark' : 'passed'
  if (step === 'patterns') return has(told, 'excluded-too') ? 'remark' : 'passed'
  // Only its size tells a mark from a file, and an item was told apart by the sync.
  if (step === 'file') return found === true || stops[told.code] === null ? 'passed' : 'unknown'
  if (step === 'kept') return has(told, 'removed-before') ? 'remark' : 'passed'
  if (step === 'sync') return has(told, 'gone-since') || has(told, 'waiting-too') ? 'remark' : 'passed'
  return 'passed'
}
