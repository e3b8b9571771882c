import type { ExplanationCode, RemarkCode } from '#contract/explain.ts'
import { EXCLUDED, FLAG_UNADDRESSABLE, LIVE, MISSING } from '#core/catalog/catalog.ts'
import type { PatternRule } from '#core/patterns/patterns.ts'
import { itemCreatedMs } from '#lib/ids.ts'
import type { Facts, RunFacts } from './facts.ts'

/** What a check adds to its sentence. */
export interface Details {
  readonly sinceMs?: number | null | undefined
  readonly reason?: string | undefined
  readonly rule?: PatternRule | null | undefined
  readonly sync?: RunFacts | null | undefined
}

interface Check {
  readonly code: ExplanationCode
  /** Null: it does not apply. */
  applies(facts: Facts): Details | null
}

/** Failures of a storage that mean that it lets us in no more. */
const REFUSALS: ReadonlySet<string> = new Set([
  'storage.denied',
  'storage.bad_credentials',
  'storage.expired_credentials',
  'storage.role_denied',
  'storage.kms_denied',
])

const when = (applies: boolean, details: Details = {}): Details | null => (applies ? details : null)

/** Whether the storage has the key: null where it could not be asked. */
function isThere({ asked }: Facts): boolean | null {
  return asked !== null && 'sighting' in asked ? asked.sighting !== null : null
}

function refusalOf(facts: Facts): PatternRule | 'not-included' | null {
  const { dataset, place } = facts
  return place.kind === 'item' ? (dataset.patterns?.refusal(place.path + place.name) ?? null) : null
}

const ruleOf = (refusal: PatternRule | 'not-included' | null) => (refusal === 'not-included' ? null : refusal)

function isMarker(facts: Facts): boolean {
  const { asked, place } = facts
  const isEmpty = asked !== null && 'sighting' in asked && asked.sighting?.sizeBytes === 0
  return isEmpty && place.kind === 'item' && place.name.endsWith('/')
}

/** The checks in their order: the first that applies is the answer, and one always does. */
export const checks: readonly Check[] = [
  { code: 'not-external', applies: ({ dataset }) => when(dataset.driverId === null) },
  { code: 'hidden-folder', applies: ({ place }) => when(place.kind === 'own') },
  {
    code: 'skipped',
    applies: ({ place, skipped, item }) => {
      if (place.kind === 'skipped') return { reason: place.reason, sinceMs: skipped?.foundMs }
      return when(skipped !== null && item === null, { reason: skipped?.reason, sinceMs: skipped?.foundMs })
    },
  },
  {
    code: 'unaddressable',
    applies: (facts) =>
      when(facts.item?.state === LIVE && (facts.item.flags & FLAG_UNADDRESSABLE) !== 0, indexed(facts)),
  },
  { code: 'indexed', applies: (facts) => when(facts.item?.state === LIVE, indexed(facts)) },
  {
    code: 'missing',
    applies: ({ item, dataset }) => when(item?.state === MISSING, { sinceMs: item?.missingMs, sync: dataset.complete }),
  },
  {
    code: 'excluded',
    applies: (facts) => {
      const refusal = refusalOf(facts)
      const isKeptOut = refusal !== null && isThere(facts) !== false && !isMarker(facts)
      return when(facts.item?.state === EXCLUDED || isKeptOut, { rule: ruleOf(refusal) })
    },
  },
  { code: 'marker', applies: (facts) => when(isMarker(facts)) },
  {
    code: 'over-quota',
    applies: (facts) => {
      const { dirty, dataset } = facts
      if (isThere(facts) === false) return null
      if (dirty?.errorCode === 'quota.exceeded') return {}
      const isShort = dataset.running === null && (dataset.last?.overQuota ?? 0) > 0
      return when(isShort && dirty === null && isThere(facts) === true, {
        sync: dataset.last,
        sinceMs: dataset.last?.atMs,
      })
    },
  },
  {
    code: 'forbidden',
    applies: ({ asked, dirty, dataset }) => {
      if (asked !== null && 'errorCode' in asked && REFUSALS.has(asked.errorCode)) return {}
      if (asked !== null && 'sighting' in asked) return null
      const run = dataset.running ?? dataset.last
      if (REFUSALS.has(run?.errorCode ?? '')) return { sync: run, sinceMs: run?.atMs }
      return when(REFUSALS.has(dirty?.errorCode ?? ''))
    },
  },
  {
    code: 'removed',
    applies: (facts) => {
      const { removed } = facts
      return when(removed !== null && isThere(facts) !== true, { reason: removed?.reason, sinceMs: removed?.removedMs })
    },
  },
  { code: 'not-in-storage', applies: (facts) => when(isThere(facts) === false) },
  { code: 'waiting', applies: ({ dirty }) => when(dirty !== null) },
  { code: 'not-reached', applies: ({ isAhead, dataset }) => when(isAhead, { sync: dataset.running }) },
  { code: 'storage-silent', applies: (facts) => when(isThere(facts) === null) },
  { code: 'not-synced', applies: ({ dataset }) => ({ sync: dataset.complete }) },
]

function indexed({ item, dataset }: Facts): Details {
  return { sinceMs: item && itemCreatedMs(BigInt(item.itemNo)), sync: dataset.complete }
}

/** What is true besides the answer. */
export function remarksOn(facts: Facts, code: ExplanationCode): RemarkCode[] {
  const { item, dirty, removed } = facts
  const there = isThere(facts) && !isMarker(facts)
  const found: RemarkCode[] = []
  if (item?.state === LIVE && there === false) found.push('gone-since')
  if (item?.state === MISSING && there === true) found.push('back-since')
  if (dirty !== null && code !== 'waiting') found.push('waiting-too')
  if (removed !== null && item === null && code !== 'removed') found.push('removed-before')
  if (refusalOf(facts) !== null && code !== 'excluded') found.push('excluded-too')
  if (item?.state === EXCLUDED && refusalOf(facts) === null) found.push('not-excluded-any-more')
  return found
}
