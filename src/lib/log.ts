import { type DestinationStream, type Logger, pino } from 'pino'
import { errorFacts } from './error-facts.ts'

/** Where secrets could stand in what is logged, should somebody log a whole request or a credential document by mistake. */
const secretPaths = [
  'authorization',
  'password',
  'newPassword',
  'currentPassword',
  'token',
  'refresh_token',
  'id_token',
  'secret',
  'jwt',
  'cookie',
]

/**
 * The log of a process: one JSON line each, to standard output unless a destination is given. Names that hold secrets are blacked out three levels deep,
 * and errors show only what `errorFacts` lets through.
 */
export function createLog(options: { level: string; destination?: DestinationStream }): Logger {
  const settings = {
    level: options.level,
    serializers: { err: (error: unknown) => errorFacts(error) },
    redact: { paths: secretPaths.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[secret]' },
  }
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination)
}
