// Preloaded into a worker (`node --import`): numbers every call it makes to the outside and kills the worker with SIGKILL at one of them.
//
// A call is one statement, one piece or the end of a COPY, one connection, or one HTTP request. The product knows nothing of this: `pg` is wrapped
// where its messages leave and come in, HTTP is watched by Node's own diagnostics channels and by those of the storage's connections.
//
// CRASH_AT=before:17 dies before call 17 is sent, `during` once it is sent and nobody has read an answer, `after` when its answer is there and
// nobody has acted on it. Without it calls are only counted. Standard output gets one line of JSON, `Death` or `Life`.
import { subscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
import type { ClientRequest, IncomingMessage } from 'node:http'
import pg from 'pg'
import type { RequestNote } from '#storage/http/exchange.ts'

/** When in the life of a call the worker dies. */
export type Moment = 'before' | 'during' | 'after'

/** What a worker that killed itself leaves: which call it was. */
export interface Death {
  readonly killed: { readonly moment: Moment; readonly call: number; readonly label: string }
}

/** What a worker that lived leaves: what each of its calls was, in order. */
export interface Life {
  readonly calls: readonly CallKind[]
}

/** What a call was. */
export interface CallKind {
  readonly label: string
  /** Made in an open transaction and not its commit: whatever becomes of it alone, a crash undoes it. */
  readonly isInside: boolean
}

interface Call {
  readonly no: number
  readonly label: string
}

const [killMoment, killNo] = (process.env.CRASH_AT ?? ':0').split(':') as [Moment, string]
const calls: CallKind[] = []

function reach(moment: Moment, call: Call): void {
  if (moment !== killMoment || call.no !== Number(killNo)) return
  const death: Death = { killed: { moment, call: call.no, label: call.label } }
  writeSync(1, `${JSON.stringify(death)}\n`)
  process.kill(process.pid, 'SIGKILL')
}

function begin(label: string, isInside = false): Call {
  const call = { no: calls.push({ label, isInside: isInside && label !== 'commit' }), label }
  reach('before', call)
  return call
}

/** When the present operation is through: what it wrote is then with the operating system and nothing has been read since. */
function sent(call: Call): void {
  process.nextTick(reach, 'during', call)
}

process.once('exit', () => {
  const life: Life = { calls }
  writeSync(1, `${JSON.stringify(life)}\n`)
})

// ---- PostgreSQL -------------------------------------------------------------------------------------------------------------------------------

interface PgConnection {
  stream: { write(chunk: Buffer, ...rest: unknown[]): boolean }
  connect(...args: unknown[]): unknown
  startup(...args: unknown[]): unknown
  query(text: string): unknown
  parse(message: { text: string }): unknown
  bind(message: { statement?: string }): unknown
  sync(): unknown
  emit(event: string, ...args: unknown[]): boolean
}

const connection = pg.Connection.prototype as unknown as PgConnection
const open = new WeakMap<PgConnection, Call>()
/** Connections with an open transaction. */
const inside = new WeakSet<PgConnection>()

/** Verb and table of a statement; enough to see where a worker died. */
function labelOf(text: string): string {
  const words = text.replaceAll(/\s+/g, ' ').trim().toLowerCase()
  const found =
    /\b(insert into|update|delete from|copy|create (?:temp )?table(?: if not exists)?|analyze) ([\w.]+)/.exec(words) ??
    /^(select) (?:.*? from )?([\w.]+)/.exec(words)
  return found ? `${found[1]} ${found[2]}` : words.slice(0, 24)
}

const { connect, startup, query, parse, bind, sync, emit } = connection

connection.connect = function (...args) {
  open.set(this, begin('connect'))
  return connect.apply(this, args)
}
connection.startup = function (...args) {
  const result = startup.apply(this, args)
  sent(open.get(this)!)
  return result
}
connection.query = function (text) {
  const call = begin(labelOf(text), inside.has(this))
  open.set(this, call)
  const result = query.call(this, text)
  sent(call)
  return result
}
connection.parse = function (message) {
  open.set(this, begin(labelOf(message.text), inside.has(this)))
  return parse.call(this, message)
}
connection.bind = function (message) {
  // A statement that was prepared before is not parsed again.
  if (!open.has(this)) open.set(this, begin(`prepared ${String(message.statement).slice(0, 24)}`, inside.has(this)))
  return bind.call(this, message)
}
connection.sync = function () {
  const result = sync.call(this)
  const call = open.get(this)
  if (call) sent(call)
  return result
}
connection.emit = function (event, ...args) {
  if (event === 'readyForQuery') {
    const { status } = args[0] as { status: string }
    if (status === 'I') inside.delete(this)
    else inside.add(this)
  }
  const call = open.get(this)
  if (call && (event === 'readyForQuery' || event === 'copyInResponse')) {
    open.delete(this)
    reach('after', call)
    if (event === 'copyInResponse') watchCopy(this)
  }
  return emit.call(this, event, ...args)
}

const COPY_DATA = 0x64
const COPY_DONE = 0x63

/** The rows of a COPY leave the driver by the socket itself. */
function watchCopy(copying: PgConnection): void {
  const { stream } = copying
  const { write } = stream
  stream.write = (chunk, ...rest) => {
    const kind = chunk.length === 5 ? chunk[0] : undefined
    if (kind !== COPY_DATA && kind !== COPY_DONE) return write.call(stream, chunk, ...rest)
    const call = begin(kind === COPY_DATA ? 'copy data' : 'copy end', inside.has(copying))
    const result = write.call(stream, chunk, ...rest)
    sent(call)
    if (kind === COPY_DONE) {
      stream.write = write
      open.set(copying, call)
    }
    return result
  }
}

// ---- HTTP -------------------------------------------------------------------------------------------------------------------------------------

const requests = new WeakMap<object, Call>()

function httpLabelOf(method: string, path: string): string {
  const kind = /[?&]list-type=2/.test(path) ? (/[?&]delimiter=/.test(path) ? 'folders' : 'list') : 'object'
  return `http ${method} ${kind}`
}

subscribe('http.client.request.created', (message) => {
  const { request } = message as { request: ClientRequest }
  const call = begin(httpLabelOf(request.method, request.path))
  requests.set(request, call)
  // Emitted when the last byte is with the operating system.
  request.once('finish', () => reach('during', call))
})
subscribe('http.client.response.finish', (message) => {
  const { request, response } = message as { request: ClientRequest; response: IncomingMessage }
  const call = requests.get(request)
  if (call) response.once('end', () => reach('after', call))
})
// Listings go over connections of our own. The request is published right before it is written, and the same object again with its answer.
subscribe('sluice:storage.request', (message) => {
  const note = message as RequestNote
  const call = begin(httpLabelOf(note.method, note.target))
  requests.set(note, call)
  sent(call)
})
subscribe('sluice:storage.answer', (message) => {
  const call = requests.get(message as RequestNote)
  if (call) reach('after', call)
})
subscribe('undici:request:create', () => {
  throw new Error('a request by fetch is not counted; teach kill-at.ts')
})
