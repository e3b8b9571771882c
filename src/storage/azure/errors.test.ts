// Proves that each of Azure's refusals leads to the kind that says what to do, by its code and, where one code stands for several things, by its sentence; and
// that nothing of an answer's body is repeated.
import { describe, expect, test } from 'vitest'
import { parseHead } from '../http/answer-head.ts'
import { listFailure, toStorageError } from './errors.ts'

const detail = (text: string) =>
  `<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code><Message>canary</Message><AuthenticationErrorDetail>${text}</AuthenticationErrorDetail></Error>`

// Sentences and codes as https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes and …/blob-service-error-codes have them.
const refusals: readonly [string, number, string | undefined, string, string][] = [
  [
    'a wrong signature',
    403,
    'AuthenticationFailed',
    detail('The MAC signature found in the HTTP request canary'),
    'bad-credentials',
  ],
  ['an old date', 403, 'AuthenticationFailed', detail('Request date header too old: canary'), 'clock-skew'],
  [
    'a signature that ended',
    403,
    'AuthenticationFailed',
    detail('Signature not valid in the specified time frame: canary'),
    'expired-credentials',
  ],
  [
    'a token that ended',
    401,
    'InvalidAuthenticationInfo',
    detail('Lifetime validation failed. The token is expired.'),
    'expired-credentials',
  ],
  ['no credentials', 401, 'NoAuthenticationInformation', '', 'bad-credentials'],
  ['a role that lacks', 403, 'AuthorizationPermissionMismatch', '', 'forbidden'],
  ['a firewall', 403, 'AuthorizationFailure', '', 'forbidden'],
  ['keys switched off', 403, 'KeyBasedAuthenticationNotPermitted', '', 'forbidden'],
  ['no container', 404, 'ContainerNotFound', '', 'unknown-bucket'],
  ['a container that goes', 409, 'ContainerBeingDeleted', '', 'unknown-bucket'],
  ['a key of Key Vault', 403, 'KeyVaultEncryptionKeyNotFound', '', 'kms-forbidden'],
  ['too much', 503, 'ServerBusy', '', 'throttled'],
  ['a failure', 500, 'InternalError', '', 'unavailable'],
  ['a time-out', 500, 'OperationTimedOut', '', 'unavailable'],
  ['a code in the body only', 404, undefined, '<Error><Code>ContainerNotFound</Code></Error>', 'unknown-bucket'],
  ['a 404 that names nothing', 404, undefined, 'canary', 'invalid'],
]

describe('a refused listing', () => {
  test.each(refusals)('by %s', (_, status, code, body, kind) => {
    const header = code === undefined ? '' : `x-ms-error-code: ${code}\r\n`
    const head = parseHead(
      `HTTP/1.1 ${status} No\r\n${header}x-ms-request-id: r1\r\nretry-after: 3\r\ncontent-length: 0\r\n`,
    )
    const error = listFailure(head, body)
    expect(error.kind).toBe(kind)
    expect(error.facts).toMatchObject({ provider: 'azure', op: 'list', requestId: 'r1', retryAfterMs: 3000 })
    expect(error.message).not.toContain('canary')
  })

  test('by something that is no storage', () => {
    const head = parseHead('HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 0\r\n')
    expect(listFailure(head, '<html>canary</html>').kind).toBe('not-a-storage')
  })
})

test('a refused call of the SDK leads to the same', () => {
  const refused = (status: number, headers: Record<string, string>, bodyAsText = '') =>
    toStorageError(
      { name: 'RestError', response: { status, bodyAsText, headers: { get: (name: string) => headers[name] } } },
      { op: 'read', key: 'k' },
    ).kind
  expect(refused(404, { 'x-ms-error-code': 'BlobNotFound' })).toBe('not-found')
  expect(refused(404, { 'x-ms-error-code': 'ContainerNotFound' })).toBe('unknown-bucket')
  expect(refused(404, {})).toBe('not-a-storage')
  expect(refused(409, { 'x-ms-error-code': 'BlobArchived' })).toBe('forbidden')
  expect(refused(409, { 'x-ms-error-code': 'BlobAlreadyExists' })).toBe('precondition-failed')
  expect(refused(409, { 'x-ms-error-code': 'SnapshotsPresent' })).toBe('conflict')
  expect(refused(412, { 'x-ms-error-code': 'ConditionNotMet' })).toBe('precondition-failed')
  expect(refused(412, { 'x-ms-error-code': 'LeaseIdMissing' })).toBe('conflict')
  expect(refused(403, { 'x-ms-request-id': 'r' }, detail('Request date header too old'))).toBe('clock-skew')
  expect(refused(403, { 'x-ms-error-code': 'AuthenticationFailed' }, detail('Request date header too old'))).toBe(
    'clock-skew',
  )
})
