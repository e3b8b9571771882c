import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { itemRoutes } from '#contract/items.ts'
import {
  countItems,
  deleteItem,
  directoryTree,
  getItem,
  getItemByPath,
  listFolderItems,
  listFolders,
  listSkipped,
  moveItems,
  type StreamAnswer,
  streamItem,
  updateItem,
} from '#core/items/items.ts'
import { AppError } from '#lib/app-error.ts'
import { toHttpDate } from '#lib/clock.ts'
import type { CallFrame, Handlers } from '../handler.ts'

/** Items one by one, and lists of them. */
export const itemHandlers: Handlers<typeof itemRoutes> = {
  listItems: (deps, call) => listFolderItems(deps, datasetNo(call), folderPage(call.query), call.baseUrl),
  listFolders: (deps, call) => listFolders(deps, datasetNo(call), folderPage(call.query)),
  getItemByPath: (deps, call) => getItemByPath(deps, datasetNo(call), call.query.path, call.baseUrl),
  getDirectoryTree: (deps, call) => directoryTree(deps, datasetNo(call), call.query.depth),
  countItems: (deps, call) => countItems(deps, datasetNo(call), call.query.dir),
  listSkipped: (deps, call) => listSkipped(deps, datasetNo(call), call.query),
  getItem: (deps, call) => getItem(deps, call.params.itemId, call.baseUrl),
  updateItem: (deps, call) => {
    const { metadata, description, filename } = call.body
    const change = { metadata: metadata ?? undefined, description, filename, withSystem: call.query.system === 'true' }
    return updateItem(deps, call.caller, call.params.itemId, change, call.baseUrl)
  },
  deleteItem: async (deps, call) => {
    const command = await deleteItem(deps, call.caller, call.params.itemId)
    return { id: call.params.itemId, ...(command && { commandId: command.id }) }
  },
  moveItems: async (deps, call) => ({
    count: await moveItems(deps, call.caller, datasetNo(call), call.params.folderId, call.body),
  }),
  streamItem: async (deps, call) => {
    const answer = await streamItem(deps, call.caller, call.params.itemId, {
      isHead: call.raw.method === 'HEAD',
      isDownload: call.query.download === 'true',
      isThroughServer: call.query.through === 'server',
      range: call.raw.headers.range,
      signal: untilClosed(call.reply),
    }).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'item.range_not_satisfiable') {
        call.reply.header('content-range', `bytes */${(error.details as { sizeBytes: number }).sizeBytes}`)
      }
      throw error
    })
    return answer.kind === 'redirect' ? sendRedirect(call.reply, answer) : sendBytes(call.reply, answer)
  },
}

/** The dataset's number, which the guard found with the role. */
function datasetNo(call: Pick<CallFrame, 'access'>): number {
  const number = call.access.datasetNo
  if (number === undefined) throw new Error('the guard of a dataset route gives its number')
  return number
}

function folderPage(query: { dir: string; after?: string | undefined; limit: number; hidden: 'true' | 'false' }) {
  return { dir: query.dir, after: query.after, limit: query.limit, withHidden: query.hidden === 'true' }
}

/** Aborts when the client has gone, so that nothing is read from the storage for nobody. */
export function untilClosed(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => controller.abort())
  return controller.signal
}

/** Sends the client to where the bytes are; for handlers that give an item’s bytes. */
export function sendRedirect(reply: FastifyReply, answer: StreamAnswer & { kind: 'redirect' }): FastifyReply {
  return reply
    .code(307)
    .headers({ location: answer.url, 'cache-control': `private, max-age=${answer.maxAgeSeconds}` })
    .send()
}

/** Sends an item’s bytes, or a part, with headers that keep a stranger’s file harmless; for handlers that give an item’s bytes. */
export function sendBytes(reply: FastifyReply, answer: StreamAnswer & { kind: 'bytes' }): FastifyReply {
  const { presentation, part, sizeBytes, body } = answer
  const length = part === null ? sizeBytes : part.end - part.start + 1
  reply.code(part === null ? 200 : 206).headers({
    'content-type': presentation.contentType,
    'content-disposition': presentation.disposition,
    'content-length': length,
    'accept-ranges': 'bytes',
    'last-modified': toHttpDate(answer.modifiedMs),
    // The file is a stranger's: on our own origin it may neither run, load nor frame anything.
    'content-security-policy': "sandbox; default-src 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'cache-control': 'private, no-cache',
    ...(/^[\x21\x23-\x7e]+$/.test(answer.etag) ? { etag: `"${answer.etag}"` } : {}),
    ...(part === null ? {} : { 'content-range': `bytes ${part.start}-${part.end}/${sizeBytes}` }),
  })
  // Without a stream the framework would say that the length is 0.
  return reply.send(body ?? Readable.from([]))
}
