import type { FastifyInstance } from 'fastify'
import { AppError } from '#lib/app-error.ts'
import { parseForm } from './forms.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/**
 * Teaches the server the two bodies of the contract, JSON and forms; everything else is 415. Bytes that are no UTF-8 are refused, not repaired.
 * An empty body is `undefined`, whatever its content type says: the SDK sends many POSTs that way.
 */
export function addBodyParsers(app: FastifyInstance | { removeAllContentTypeParsers(): void }): void {
  const server = app as FastifyInstance
  // 'error': a key that would reach a prototype is a 400; `constructor` may be a key of somebody's metadata and is harmless to what reads it.
  const parseJson = server.getDefaultJsonParser('error', 'ignore')
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined)
    const text = decode(body)
    if (text instanceof AppError) return done(text)
    parseJson(request, text, (error, value) => {
      if (error) return done(notJson(error))
      // Half a surrogate pair is no text: the database would keep U+FFFD instead, which may be the key of another file.
      if (!hasWholeTexts(text, value)) {
        return done(new AppError('request.invalid', { message: 'A text of the body has half of a surrogate pair.' }))
      }
      done(null, value)
    })
  })
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    (_request, body: Buffer, done) => {
      if (body.length === 0) return done(null, undefined)
      const text = decode(body)
      if (text instanceof AppError) return done(text)
      try {
        done(null, parseForm(text))
      } catch (error) {
        done(error as Error)
      }
    },
  )
}

/** Lets multipart forms through to the handlers of this scope as streams: they may be of any length and are read as they come. */
export function passMultipart(app: { addContentTypeParser: FastifyInstance['addContentTypeParser'] }): void {
  app.addContentTypeParser('multipart/form-data', (_request, payload, done) => done(null, payload))
}

function decode(body: Buffer): string | AppError {
  try {
    return utf8.decode(body)
  } catch (cause) {
    return new AppError('request.invalid', { message: 'The body is not valid UTF-8.', cause })
  }
}

/** The parser's own sentence quotes the text around the fault, which may be a password; so it is not passed on. */
function notJson(cause: Error): AppError {
  return new AppError('request.invalid', { message: 'The body is not valid JSON.', cause })
}

/** Whether all texts of a JSON value are Unicode; `text` is what it was read from. */
export function hasWholeTexts(text: string, value: unknown): boolean {
  return !/\\u[dD][89a-fA-F]/.test(text) || isWellFormed(value)
}

/** Whether all texts in a JSON value are Unicode. Walks with a list of its own: the nesting is the caller's and may be deep. */
function isWellFormed(json: unknown): boolean {
  const rest = [json]
  while (rest.length > 0) {
    const value = rest.pop()
    if (typeof value === 'string') {
      if (!value.isWellFormed()) return false
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) rest.push(name, inner)
    }
  }
  return true
}
