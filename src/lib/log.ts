import type { LoggerOptions } from 'pino'
import { errorFacts } from './error-facts.ts'

/** Fields whose values never reach a log, should somebody log a whole request or a credential document by mistake. */
const SECRET_NAMES = [
  'authorization',
  'cookie',
  'password',
  'currentPassword',
  'newPassword',
  'token',
  'jwt',
  'id_token',
  'access_token',
  'refresh_token',
  'secret',
  'secretKey',
  'accessKey',
  'connectionString',
]

/**
 * What every logger of the product is made with: names that hold secrets are blacked out three levels deep, and errors show only what `errorFacts`
 * lets through.
 */
export function logOptions(level: string): LoggerOptions {
  return {
    level,
    serializers: { err: (error: unknown) => errorFacts(error) },
    redact: { paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[secret]' },
  }
}
