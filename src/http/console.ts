import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Where the console is built to; see `vite.config.ts`. */
export const CONSOLE_FOLDER = fileURLToPath(new URL('../../dist/console', import.meta.url))

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.html': 'text/html; charset=utf-8',
}

/**
 * Scripts of ours only, no frame around it. Pictures, videos, texts and documents come from the buckets, which are whatever host the team's storage
 * has; styles are set on elements by the components.
 */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src * data: blob:; media-src * blob:; connect-src *; frame-src *; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

interface BuiltFile {
  readonly type: string
  readonly plain: Buffer
  readonly zipped: Buffer
  /** Its name has a hash of its content in it. */
  readonly isImmutable: boolean
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Null where the console was not built. */
    consoleFiles: ConsoleFiles | null
  }
}

/** The files of the console, held in memory: half a megabyte. */
export interface ConsoleFiles {
  /** Whether a request without a route of the API is one for a page or a file of the console. */
  answers(request: FastifyRequest): boolean
  send(request: FastifyRequest, reply: FastifyReply): FastifyReply
}

/** Reads what was built; null where nothing is, and the server then has its API only. */
export function readConsole(folder: string): ConsoleFiles | null {
  const files = new Map<string, BuiltFile>()
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const plain = readFileSync(path)
      const address = path.slice(folder.length).replaceAll('\\', '/')
      const type = types[extname(entry.name)] ?? 'application/octet-stream'
      files.set(address, { type, plain, zipped: gzipSync(plain), isImmutable: address.startsWith('/assets/') })
    }
  } catch {
    return null
  }
  const index = files.get('/index.html')
  if (index === undefined) return null
  const find = (request: FastifyRequest) => files.get(pathOf(request)) ?? index
  return {
    answers: (request) => isForConsole(request) && (files.has(pathOf(request)) || isPage(request)),
    send: (request, reply) => sendFile(request, reply, find(request)),
  }
}

function pathOf(request: FastifyRequest): string {
  return (request.raw.url ?? '').split('?', 1)[0]!
}

function isForConsole(request: FastifyRequest): boolean {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  return isRead && !pathOf(request).startsWith('/api/')
}

/** A browser that goes to an address of the console's own asks for a page; a program that mistypes one of the API's does not. */
function isPage(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '').includes('text/html') && extname(pathOf(request)) === ''
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: BuiltFile): FastifyReply {
  const isZipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
  if (isZipped) reply.header('content-encoding', 'gzip')
  return reply
    .code(200)
    .header('content-type', file.type)
    .header('content-security-policy', POLICY)
    .header('vary', 'accept-encoding')
    .header('cache-control', file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache')
    .send(isZipped ? file.zipped : file.plain)
}
