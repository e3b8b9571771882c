import type { uploadRoutes } from '#contract/uploads.ts'
import type { Deps } from '#core/deps.ts'
import { makeFolder } from '#core/items/items.ts'
import { importObjects, replaceFile, type Upload, uploadFile } from '#core/uploads/uploads.ts'
import { AppError } from '#lib/app-error.ts'
import { hasWholeTexts } from '../bodies.ts'
import type { Call, Handlers } from '../handler.ts'
import { isMultipart, type MultipartForm, readMultipart } from '../multipart.ts'

/** Files that become items. */
export const uploadHandlers: Handlers<typeof uploadRoutes> = {
  uploadItem: async (deps, call) => {
    const datasetNo = call.access.datasetNo!
    if (!isMultipart(call.raw)) return makeFolder(deps, datasetNo, folderAsked(call.body), call.baseUrl)
    const form = await readMultipart(deps, call.raw)
    if (form.fields.get('type') === 'dir') {
      await form.file?.arrived.discard()
      return makeFolder(deps, datasetNo, form.fields.get('path') ?? '', call.baseUrl)
    }
    return sendUpload(deps, call, datasetNo, form)
  },
  replaceItemFile: async (deps, call) => {
    if (!isMultipart(call.raw)) throw new AppError('request.unsupported_media_type')
    const { file } = await readMultipart(deps, call.raw)
    if (file === null) throw missing('file')
    return replaceFile(deps, call.caller, call.params.itemId, file, call.baseUrl)
  },
  importObjects: async (deps, call) => {
    const { body } = call
    const outcomes = await importObjects(deps, call.caller, call.access.datasetNo!, body, call.baseUrl)
    const [first] = outcomes
    // Where nothing came of it the whole is a failure, for programs that look at the status.
    if (first?.ok === false && outcomes.every((outcome) => !outcome.ok)) throw first.error
    call.reply.header('x-item-op', first?.ok ? first.op : 'exist')
    return outcomes.map((outcome, index) => {
      if (outcome.ok) return outcome.item
      const { filename = null, storageId } = body[index]!
      const { code, message, status } = outcome.error
      return { filename, storageId, error: { code, message, status } }
    })
  },
}

async function sendUpload(
  deps: Deps,
  call: Call<(typeof uploadRoutes)['uploadItem']>,
  datasetNo: number,
  { fields, file }: MultipartForm,
) {
  if (file === null) throw missing('file')
  const path = fields.get('path')
  let upload: Upload
  try {
    if (path === undefined) throw missing('path')
    upload = {
      // A path that names a folder takes the file's own name.
      path: path.endsWith('/') ? path + file.name : path,
      contentType: file.contentType,
      metadata: metadataOf(fields.get('metadata')),
      description: fields.get('description'),
      mode: call.query.mode === 'overwrite' ? 'overwrite' : 'skip',
      arrived: file.arrived,
    }
  } catch (error) {
    await file.arrived.discard()
    throw error
  }
  const { item, op } = await uploadFile(deps, call.caller, datasetNo, upload, call.baseUrl)
  call.reply.header('x-item-op', op)
  return item
}

function folderAsked(body: unknown): string {
  const { type, path } = (typeof body === 'object' && body !== null ? body : {}) as { type?: unknown; path?: unknown }
  if (type !== 'dir') throw new AppError('request.unsupported_media_type')
  if (typeof path !== 'string') throw missing('path')
  return path
}

function metadataOf(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined || text === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new AppError('request.invalid', { details: [{ path: 'body.metadata', message: 'is no JSON' }] })
  }
  if (value === null) return undefined
  if (!hasWholeTexts(text, value))
    throw new AppError('request.invalid', {
      details: [{ path: 'body.metadata', message: 'has half of a surrogate pair' }],
    })
  if (typeof value !== 'object' || Array.isArray(value))
    throw new AppError('request.invalid', { details: [{ path: 'body.metadata', message: 'must be an object' }] })
  return value as Record<string, unknown>
}

function missing(field: string): AppError {
  return new AppError('request.invalid', { details: [{ path: `body.${field}`, message: 'is missing' }] })
}
