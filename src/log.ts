import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { type DestinationStream, destination, type Logger, pino } from 'pino'
import { logOptions } from '#lib/log.ts'

/**
 * The log of a process: one JSON object a line, or, on a terminal, a line a person can read.
 *
 * `level` is `debug` to `silent`; `fd` is standard output unless said.
 */
export function createLog(level: string, fd = 1): Logger {
  const options = {
    ...logOptions(level),
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  }
  return pino(options, isatty(fd) ? plainLines(fd) : destination({ fd, sync: true }))
}

/** Turns pino's JSON into plain lines. */
function plainLines(fd: number): DestinationStream {
  const names: Record<number, string> = { 20: 'debug ', 40: 'warning: ', 50: 'error: ', 60: 'fatal: ' }
  return {
    write(line) {
      const { level, time, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown> & {
        err?: { stack?: string; message?: string }
      }
      const facts = Object.entries(rest).map(
        ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      )
      const text = `${String(time).slice(11, 19)} ${names[level as number] ?? ''}${[msg, ...facts].join(' ')}`
      writeSync(fd, `${text}${err === undefined ? '' : `\n${err.stack ?? err.message}`}\n`)
    },
  }
}
