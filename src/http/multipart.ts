import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Busboy } from '@fastify/busboy'
import type { FastifyRequest } from 'fastify'
import type { Deps } from '#core/deps.ts'
import { type Arrived, receive } from '#core/objects/objects.ts'
import { AppError } from '#lib/app-error.ts'

/** Longest value of a field, in bytes: metadata may be long. */
const FIELD_BYTES_MAX = 8 * 1024 * 1024
const FIELDS_MAX = 32

/** A multipart form that has arrived whole: its texts, and its file, if it had one. Whoever gets it keeps the file or discards it. */
export interface MultipartForm {
  readonly fields: ReadonlyMap<string, string>
  readonly file: { readonly name: string; readonly contentType: string; readonly arrived: Arrived } | null
}

/** Whether a request brings a multipart form. */
export function isMultipart(request: FastifyRequest): boolean {
  return /^multipart\/form-data\b/i.test(request.headers['content-type'] ?? '')
}

/**
 * Reads a multipart form as it comes, of any length, in any order of its fields; the file goes to a temporary one. A second file is refused. When the form breaks
 * off or is malformed nothing is left. Errors: `request.invalid`, `request.too_large`.
 */
export async function readMultipart(deps: Deps, request: FastifyRequest): Promise<MultipartForm> {
  const parser = openParser(request)
  const fields = new Map<string, string>()
  let file: { name: string; contentType: string; stream: Readable; arrived: Promise<Arrived> } | null = null
  let fault: AppError | null = null
  parser.on('field', (name, value, isNameCut, isValueCut) => {
    if (isNameCut || isValueCut) fault ??= new AppError('request.too_large')
    else fields.set(name, value)
  })
  parser.on('file', (_field, stream, name, _encoding, contentType) => {
    if (file !== null) {
      fault ??= malformed('It has more than one file.')
      stream.on('error', () => {})
      stream.resume()
      return
    }
    // For good: a part that breaks off fails again after whoever read it has stopped listening, and that must not end the process.
    stream.on('error', () => {})
    const arrived = receive(deps, stream)
    // Waited for below; until then its failure is nobody's.
    arrived.catch(() => stream.resume())
    file = { name: name ?? '', contentType, stream, arrived }
  })
  for (const limit of ['fieldsLimit', 'partsLimit', 'filesLimit'] as const)
    parser.on(limit, () => {
      fault ??= malformed('It has too many parts.')
    })
  parser.on('error', () => {})
  let broken: unknown = null
  await pipeline(request.body as Readable, parser).catch((error: unknown) => {
    broken = error
  })
  // Assigned in a callback, which the compiler does not see.
  const got = file as { name: string; contentType: string; stream: Readable; arrived: Promise<Arrived> } | null
  if (broken !== null) got?.stream.destroy(new Error('the form broke off'))
  const outcome = await (got === null ? null : got.arrived.catch((error: unknown) => ({ error })))
  if (broken === null && fault === null && outcome !== null && 'error' in outcome) throw outcome.error
  if (broken !== null || fault !== null) {
    if (outcome !== null && 'path' in outcome) await outcome.discard()
    throw fault ?? malformed('It broke off or is malformed.', broken)
  }
  return {
    fields,
    file: got === null ? null : { name: got.name, contentType: got.contentType, arrived: outcome as Arrived },
  }
}

function openParser(request: FastifyRequest): InstanceType<typeof Busboy> {
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': request.headers['content-type'] ?? '' },
      limits: { fieldSize: FIELD_BYTES_MAX, fields: FIELDS_MAX, parts: FIELDS_MAX + 2 },
    })
  } catch (cause) {
    throw malformed('It has no boundary.', cause)
  }
}

function malformed(why: string, cause?: unknown): AppError {
  return new AppError('request.invalid', { message: `The multipart form cannot be read. ${why}`, cause })
}
