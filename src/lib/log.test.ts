// Proves that the log shows no secret: not by name, not on errors, not wrapped.
import { type Logger, pino } from 'pino'
import { expect, test } from 'vitest'
import { logOptions } from './log.ts'
import { Secret } from './secret.ts'

function logged(write: (log: Logger) => void): string {
  const lines: string[] = []
  write(pino(logOptions('debug'), { write: (line: string) => void lines.push(line) }))
  return lines.join('')
}

test('names that hold secrets are blacked out, three levels deep', () => {
  const text = logged((log) => {
    log.info({ password: 'canary' }, 'one')
    log.info({ headers: { authorization: 'Bearer canary' } }, 'two')
    log.info({ request: { options: { secret: 'canary' } } }, 'three')
    log.info({ password: new Secret('canary') }, 'wrapped')
  })
  expect(text).not.toContain('canary')
  expect(text.match(/\[secret\]/g)).toHaveLength(4)
})

test('an error shows name, message, code, stack and causes, and nothing else that hangs on it', () => {
  const cause = Object.assign(new Error('inner'), {
    code: 'EINNER',
    $response: { headers: { authorization: 'canary' } },
  })
  const text = logged((log) => log.error({ err: new Error('outer', { cause }) }, 'failed'))
  expect(JSON.parse(text).err).toMatchObject({
    message: 'outer',
    stack: expect.stringContaining('log.test'),
    cause: { message: 'inner', code: 'EINNER' },
  })
  expect(text).not.toContain('canary')
})
