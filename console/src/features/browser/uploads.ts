import { useSyncExternalStore } from 'react'
import { refreshDataset } from '../../app/item-pages.ts'
import { bearerToken } from '../../app/session.ts'

/** Files sent at once: enough to hide the way there and back, few enough that each is seen to move. */
const AT_ONCE = 3
/** Failures that are listed; of more, the number is told. */
export const FAILURES_SHOWN = 100
/** Of these every further file would fail as well, so the rest is not sent. */
const STOPS = new Set(['quota.exceeded', 'driver.read_only', 'dataset.readonly', 'dataset.locked', 'access.forbidden'])

/** A file on its way into a dataset. */
export interface Upload {
  readonly file: File
  readonly datasetId: string
  /** Full path of the item that comes of it. */
  readonly path: string
  readonly mode: 'skip' | 'overwrite'
  sentBytes: number
  problem: string | null
}

/** All uploads of this window in numbers, with those that are on their way and those that failed. */
export interface UploadState {
  readonly total: number
  /** Files that became items, or a new content of one. */
  readonly done: number
  /** Files that were there already, and stayed as they were. */
  readonly kept: number
  readonly failed: number
  readonly sentBytes: number
  readonly totalBytes: number
  readonly active: readonly Upload[]
  readonly failures: readonly Upload[]
  readonly isBusy: boolean
}

const nothing: UploadState = {
  total: 0,
  done: 0,
  kept: 0,
  failed: 0,
  sentBytes: 0,
  totalBytes: 0,
  active: [],
  failures: [],
  isBusy: false,
}

let state = nothing
let waiting: Upload[] = []
let failures: Upload[] = []
let finishedBytes = 0
const active = new Map<Upload, XMLHttpRequest>()
const listeners = new Set<() => void>()

/** Sends files, behind those that are waiting already. They go on while other pages are looked at. */
export function startUploads(uploads: readonly Pick<Upload, 'file' | 'datasetId' | 'path' | 'mode'>[]): void {
  for (const upload of uploads) waiting.push({ ...upload, sentBytes: 0, problem: null })
  const bytes = uploads.reduce((sum, { file }) => sum + file.size, 0)
  tell({ total: state.total + uploads.length, totalBytes: state.totalBytes + bytes })
  while (active.size < AT_ONCE && waiting.length > 0) void sendNext()
}

/** Sends those once more that failed. */
export function retryUploads(): void {
  const again = failures
  failures = []
  tell({
    total: state.total - again.length,
    totalBytes: state.totalBytes - again.reduce((sum, { file }) => sum + file.size, 0),
    failed: 0,
  })
  startUploads(again)
}

/** Stops all that is on its way or waiting; what has arrived stays. */
export function cancelUploads(): void {
  waiting = []
  for (const request of active.values()) request.abort()
  forgetUploads()
}

/** Forgets what was; for closing the list. */
export function forgetUploads(): void {
  failures = []
  finishedBytes = 0
  state = nothing
  tell({})
}

/** How the uploads of this window are going. */
export function useUploads(): UploadState {
  return useSyncExternalStore(subscribe, () => state)
}

async function sendNext(): Promise<void> {
  const upload = waiting.shift()
  if (upload === undefined) return
  const request = new XMLHttpRequest()
  active.set(upload, request)
  tell({})
  const outcome = await send(upload, request)
  active.delete(upload)
  if (outcome.kind === 'aborted') return tell({})
  finishedBytes += upload.file.size
  if (outcome.kind === 'failed') {
    fail(upload, outcome.problem)
    if (STOPS.has(outcome.code)) for (const rest of waiting.splice(0)) fail(rest, outcome.problem)
  } else tell({ [outcome.kind]: state[outcome.kind] + 1 })
  if (waiting.length > 0) return sendNext()
  if (active.size === 0) refreshDataset(upload.datasetId)
}

function fail(upload: Upload, problem: string): void {
  upload.problem = problem
  failures.push(upload)
  tell({ failed: failures.length })
}

type Outcome =
  | { kind: 'done' | 'kept' }
  | { kind: 'aborted' }
  | { kind: 'failed'; code: string; problem: string; status: number }

async function send(upload: Upload, request: XMLHttpRequest): Promise<Outcome> {
  const first = await sendOnce(upload, request, await bearerToken().catch(() => undefined))
  if (first.kind !== 'failed' || first.status !== 401) return first
  // The token ended while the file was on its way.
  return sendOnce(upload, request, await bearerToken({ isRefused: true }).catch(() => undefined))
}

function sendOnce(upload: Upload, request: XMLHttpRequest, token: string | undefined): Promise<Outcome> {
  const form = new FormData()
  form.append('type', 'file')
  form.append('path', upload.path)
  form.append('file', upload.file, upload.file.name)
  return new Promise((resolve) => {
    request.open('POST', `/api/v1/datasets/${upload.datasetId}/items?mode=${upload.mode}`)
    if (token !== undefined) request.setRequestHeader('authorization', `Bearer ${token}`)
    request.upload.onprogress = ({ loaded }) => {
      upload.sentBytes = Math.min(loaded, upload.file.size)
      tellSoon()
    }
    request.onload = () => resolve(outcomeOf(request))
    request.onerror = () => resolve({ kind: 'failed', code: '', status: 0, problem: 'No answer from the server.' })
    request.onabort = () => resolve({ kind: 'aborted' })
    request.send(form)
  })
}

function outcomeOf(request: XMLHttpRequest): Outcome {
  if (request.status < 400) return { kind: request.getResponseHeader('x-item-op') === 'exist' ? 'kept' : 'done' }
  try {
    const { message, code, requestId } = JSON.parse(request.responseText) as Record<string, unknown>
    const id = typeof requestId === 'string' ? ` (${requestId})` : ''
    return { kind: 'failed', code: String(code), status: request.status, problem: `${String(message)}${id}` }
  } catch {
    return { kind: 'failed', code: '', status: request.status, problem: `Status ${request.status} without a reason.` }
  }
}

function tell(change: Partial<UploadState>): void {
  const onTheWay = [...active.keys()]
  state = {
    ...state,
    ...change,
    sentBytes: finishedBytes + onTheWay.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    active: onTheWay,
    failures: failures.slice(0, FAILURES_SHOWN),
    isBusy: active.size > 0 || waiting.length > 0,
  }
  for (const listener of listeners) listener()
}

let isTellingSoon = false

/** Progress comes many times a second; ten are enough to be seen. */
function tellSoon(): void {
  if (isTellingSoon) return
  isTellingSoon = true
  setTimeout(() => {
    isTellingSoon = false
    tell({})
  }, 100)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
