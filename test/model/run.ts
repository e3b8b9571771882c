import { applyReading, putRow, rowOf } from './rows.ts'
import type { Rules } from './rules.ts'
import type { Scenario } from './scenario.ts'
import { markDirty, type Row, type Run, type Scanner, type State, takeTicket, type Version, withAt } from './state.ts'
import { type Setting, type Step, spend } from './world.ts'

const IDLE: Scanner = { step: 'idle' }

type Busy = Exclude<Scanner, { step: 'idle' }>
type PageScanner = Extract<Scanner, { step: 'page' | 'compared' | 'cursor saved' }>
type ConfirmScanner = Extract<Scanner, { step: 'confirm read' }>

/** Somebody begins a run of a dataset, or cancels one. */
export function moveRuns(state: State, { rules, go }: Setting): void {
  state.runs.forEach((run, dataset) => {
    if (run === null) {
      if (state.runsLeft[dataset]! > 0) go(`run of dataset ${dataset} begins`, beginRun(state, dataset, rules))
    } else if (state.left.cancels > 0)
      go(`run of dataset ${dataset} is CANCELED`, endRun(spend(state, 'cancels'), dataset))
  })
}

function beginRun(state: State, dataset: number, rules: Rules): State {
  const keys = state.store.length
  const own = state.rows.slice(dataset * keys, (dataset + 1) * keys)
  const run: Run = {
    ticket: 0,
    mode: own.every((row) => row.state === 'none') ? 'load' : 'compare',
    cursor: 0,
    candidates: 0,
    covers: 0,
  }
  const begun: State = {
    ...state,
    runsLeft: withAt(state.runsLeft, dataset, state.runsLeft[dataset]! - 1),
    runs: withAt(state.runs, dataset, run),
    rows: state.rows.map((row, at) =>
      row.isFresh && Math.floor(at / keys) === dataset ? { ...row, isFresh: false } : row,
    ),
  }
  return rules.runTicketFirst ? giveRunTicket(begun, dataset, rules) : begun
}

/** The run's ticket, and with it, by the design, the source's floor: one transaction. */
function giveRunTicket(state: State, dataset: number, rules: Rules): State {
  const next = takeTicket(state)
  const ticket = next.lastTicket
  const covers = (1 << state.store.length) - 1
  return {
    ...next,
    runs: withAt(state.runs, dataset, { ...state.runs[dataset]!, ticket, covers }),
    floor: rules.floor === 'start' ? ticket : state.floor,
  }
}

/** The run is over; whoever still works for it has lost its lease. */
function endRun(state: State, dataset: number): State {
  return {
    ...state,
    runs: withAt(state.runs, dataset, null),
    scanners: state.scanners.map((scanner) => withoutLease(scanner, dataset)),
  }
}

function withoutLease(scanner: Scanner, dataset: number): Scanner {
  return scanner.step !== 'idle' && scanner.dataset === dataset ? { ...scanner, holds: false } : scanner
}

function become(state: State, who: number, scanner: Scanner): State {
  return { ...state, scanners: withAt(state.scanners, who, scanner) }
}

/** Everything that the workers of runs may do next. A lease can run out at any time, so a run that has a worker may be taken by another. */
export function moveScanners(state: State, setting: Setting): void {
  for (const [who, scanner] of state.scanners.entries()) {
    if (scanner.step === 'idle') {
      for (const [dataset, run] of state.runs.entries()) if (run !== null) takeRun(state, who, dataset, run, setting)
      continue
    }
    setting.go(...work(state, who, scanner, setting.scenario, setting.rules))
    if (state.left.crashes > 0) setting.go(`scanner ${who} CRASHES`, become(spend(state, 'crashes'), who, IDLE))
  }
}

/** What a worker that is busy does next. */
function work(state: State, who: number, scanner: Busy, scenario: Scenario, rules: Rules): Step {
  if (scanner.step === 'confirm asked')
    return [
      `scanner ${who} reads file ${scanner.key} to confirm`,
      become(state, who, { ...scanner, step: 'confirm read', seen: state.store[scanner.key]! }),
    ]
  if (!scanner.holds && rules.runFence) return [`scanner ${who} finds its lease lost`, become(state, who, IDLE)]
  if (scanner.step === 'confirm read') return confirm(state, who, scanner, scenario, rules)
  if (scanner.step === 'page') {
    if (!rules.cursorWithPage) return saveCursor(state, who, scanner)
    const mode = modeOf(state, scanner, rules)
    if (mode === 'compare' && rules.pageCompares !== 'under lock') return comparePage(state, who, scanner, rules)
  }
  return writePage(state, who, scanner, rules)
}

/** Takes a run where its last commit left it: the next page, or the candidates that the finished listing left. */
function takeRun(state: State, who: number, dataset: number, run: Run, { rules, go }: Setting): void {
  const taken = { ...state, scanners: state.scanners.map((other) => withoutLease(other, dataset)) }
  if (run.cursor < state.store.length) {
    const key = run.cursor
    const page = {
      step: 'page' as const,
      dataset,
      key,
      ticket: run.ticket,
      mode: run.mode,
      wantsToWrite: false,
      holds: true,
    }
    const label = `scanner ${who} lists file ${key} for dataset ${dataset}`
    const listed = state.store[key]!
    go(label, become(taken, who, { ...page, seen: listed }))
    if (listed !== 0 && state.left.omissions > 0)
      go(`${label}, but the listing OMITS it`, become(spend(taken, 'omissions'), who, { ...page, seen: 0 }))
    return
  }
  for (let key = 0; key < state.store.length; key++) {
    if ((run.candidates & (1 << key)) === 0) continue
    const label = `scanner ${who} takes file ${key} to confirm for dataset ${dataset}`
    const claim = { dataset, key, holds: true }
    if (!rules.confirmTicketFirst)
      go(label, become(taken, who, { step: 'confirm read', ...claim, ticket: 0, seen: state.store[key]! }))
    else {
      const next = takeTicket(taken)
      const asked = { ...claim, ticket: next.lastTicket }
      if (rules.confirmReads) go(label, become(next, who, { step: 'confirm asked', ...asked }))
      else go(label, become(next, who, { step: 'confirm read', ...asked, seen: 0 }))
    }
  }
}

/** Whether a page is inserted without looking. */
function modeOf(state: State, { dataset, mode }: PageScanner, rules: Rules): Run['mode'] {
  return rules.loadChecksMode ? (state.runs[dataset]?.mode ?? 'compare') : mode
}

function saveCursor(state: State, who: number, scanner: PageScanner): Step {
  const saved = become(state, who, { ...scanner, step: 'cursor saved' })
  return [`scanner ${who} saves the cursor after file ${scanner.key}`, moveCursor(saved, scanner)]
}

/** Finds out what of a page has to be written; nothing is locked. */
function comparePage(state: State, who: number, scanner: PageScanner, rules: Rules): Step {
  const { dataset, key, seen, ticket } = scanner
  const row = rowOf(state, dataset, key)
  const isLaterTombstone = row.state === 'removed' && row.ticket >= ticket && rules.pageObeysTombstone
  // What is checked again may as well be wanted.
  const isStopped = isLaterTombstone && rules.pageCompares === 'before'
  const wantsToWrite = seen !== 0 && !isStopped && !isShown(row, seen)
  return [
    `scanner ${who} compares file ${key} of dataset ${dataset}`,
    become(state, who, { ...scanner, step: 'compared', wantsToWrite }),
  ]
}

/** One transaction: the run's fence, the page's row, dirty keys and candidates, the cursor. */
function writePage(state: State, who: number, scanner: PageScanner, rules: Rules): Step {
  const { dataset, key, seen } = scanner
  let next = become(state, who, IDLE)
  if (state.runs[dataset]?.ticket === 0) next = giveRunTicket(next, dataset, rules)
  const page = { ...scanner, ticket: scanner.ticket === 0 ? next.lastTicket : scanner.ticket }
  if (modeOf(state, scanner, rules) === 'load') {
    const row = rowOf(state, dataset, key)
    if (row.state === 'live' || row.state === 'missing') return meetRow(next, who, page)
    if (seen !== 0) next = putRow(next, page, { state: 'live', version: seen, ticket: page.ticket })
  } else next = seen === 0 ? noteAbsence(next, page, rules) : writeDifference(next, page, rules)
  if (rules.cursorWithPage) next = moveCursor(next, scanner)
  const outcome = seen === 0 ? 'absent' : `version ${seen}`
  return [`scanner ${who} commits file ${key} of dataset ${dataset}: ${outcome}`, finishIfDone(next, dataset, rules)]
}

/** The unique index refuses a row of a load: the run goes on comparing, with the same page again. */
function meetRow(state: State, who: number, { dataset, key }: PageScanner): Step {
  const run = state.runs[dataset]
  const next: State = run ? { ...state, runs: withAt(state.runs, dataset, { ...run, mode: 'compare' }) } : state
  return [`scanner ${who} meets file ${key} in dataset ${dataset} and turns to comparing`, next]
}

function isShown(row: Row, seen: Version): boolean {
  return row.state === 'live' && row.version === seen
}

/** An item that a listing does not show becomes a candidate, nothing more. */
function noteAbsence(state: State, page: PageScanner, rules: Rules): State {
  const { dataset, key, ticket } = page
  const row = rowOf(state, dataset, key)
  if (row.state !== 'live') return state
  if (!rules.absenceIsConfirmed)
    return row.ticket < ticket ? putRow(state, page, { state: 'missing', version: 0, ticket }) : state
  const run = state.runs[dataset]
  if (!run || !rules.candidatesWithPage) return state
  return { ...state, runs: withAt(state.runs, dataset, { ...run, candidates: run.candidates | (1 << key) }) }
}

/** Writes a listed file where its row says something else and is not of a later observation. */
function writeDifference(state: State, page: PageScanner, rules: Rules): State {
  const { dataset, key, seen, ticket } = page
  const row = rowOf(state, dataset, key)
  if (isShown(row, seen) || (page.step === 'compared' && !page.wantsToWrite)) return state
  const knowsTombstones = page.step !== 'compared' || rules.pageCompares !== 'before'
  const obeys = row.state === 'removed' ? rules.pageObeysTombstone && knowsTombstones : rules.pageObeysRowTicket
  if (row.ticket < ticket || !obeys) return putRow(state, page, { state: 'live', version: seen, ticket })
  return rules.conflictIsDirty ? markDirty(state, key) : state
}

function moveCursor(state: State, { dataset, key }: PageScanner): State {
  const run = state.runs[dataset]
  if (!run) return state
  return { ...state, runs: withAt(state.runs, dataset, { ...run, cursor: key + 1 }) }
}

/** One transaction: the run's fence, the floor, the candidate's row. */
function confirm(state: State, who: number, scanner: ConfirmScanner, scenario: Scenario, rules: Rules): Step {
  const { dataset, key, seen } = scanner
  let next = become(state, who, IDLE)
  if (scanner.ticket === 0) next = takeTicket(next)
  const ticket = scanner.ticket === 0 ? next.lastTicket : scanner.ticket
  if (rules.confirmObeysFloor && ticket <= state.floor)
    return [`scanner ${who} is below the floor and leaves file ${key} to be confirmed again`, next]
  if (ticket > rowOf(state, dataset, key).ticket || !rules.confirmObeysRowTicket) {
    const options = { gone: scenario.confirmed, leaveTombstone: false, stampEqual: true }
    next = applyReading(next, scanner, { seen, ticket }, options)
  }
  const run = next.runs[dataset]
  if (run) next = { ...next, runs: withAt(next.runs, dataset, { ...run, candidates: run.candidates & ~(1 << key) }) }
  const outcome = seen === 0 ? 'absent' : `version ${seen}`
  return [`scanner ${who} confirms file ${key} of dataset ${dataset}: ${outcome}`, finishIfDone(next, dataset, rules)]
}

/** Ends a run that has listed everything and confirmed what it missed. */
function finishIfDone(state: State, dataset: number, rules: Rules): State {
  const run = state.runs[dataset]
  const keys = state.store.length
  if (!run || run.cursor < keys || run.candidates !== 0) return state
  let next = endRun(state, dataset)
  next = { ...next, unproven: state.unproven & ~(run.covers << (dataset * keys)) }
  if (rules.floor === 'end' || rules.floor === 'end and dirty')
    next = { ...next, floor: Math.max(state.floor, run.ticket) }
  if (rules.floor === 'end and dirty')
    for (let key = 0; key < keys; key++) {
      const row = rowOf(state, dataset, key)
      if (row.isFresh && row.ticket < run.ticket) next = markDirty(next, key)
    }
  return next
}
