// Proves that of Google's credential documents only what is allowed is read, and that everything else is refused with a sentence that repeats nothing of it (T17).
import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '#lib/secret.ts'
import { StorageError } from '../storage-error.ts'
import { googleAddresses } from './addresses.ts'
import { isAccountEmail, openKey, parseFederation, parseServiceAccount } from './service-account.ts'

const pemOf = (type: 'rsa' | 'ed25519') => {
  const { privateKey } =
    type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519')
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
const canary = 'CANARY-4711'
const email = 'reader@project.iam.gserviceaccount.com'
const keyFile = (more: object = {}) =>
  JSON.stringify({ type: 'service_account', client_email: email, private_key: canary, private_key_id: 'k1', ...more })

describe('a key file', () => {
  test('gives address, key and its id, and nothing else that it says', () => {
    const more = { token_uri: 'https://evil.invalid', universe_domain: 'evil.invalid', auth_uri: 'file:///etc/passwd' }
    const account = parseServiceAccount(keyFile(more))
    expect(account).toEqual({ email, privateKey: new Secret(canary), privateKeyId: 'k1' })
    expect(JSON.stringify(account)).not.toMatch(/evil|CANARY/)
  })

  test.each<[string, string]>([
    ['no JSON', canary],
    ['a list', `["${canary}"]`],
    ['nothing', 'null'],
    ['cut short', keyFile().slice(0, -5)],
    ['a person’s log-in', JSON.stringify({ type: 'authorized_user', refresh_token: canary })],
    ['an impersonation', JSON.stringify({ type: 'impersonated_service_account', source_credentials: canary })],
    [
      'a federation',
      JSON.stringify({ type: 'external_account', credential_source: { executable: { command: canary } } }),
    ],
    ['a federation of people', JSON.stringify({ type: 'external_account_authorized_user', token_url: canary })],
    ['a kind of an object’s own', JSON.stringify({ type: '__proto__', client_email: email, private_key: canary })],
    ['a kind named like a method', JSON.stringify({ type: 'toString', client_email: email, private_key: canary })],
    ['no kind', keyFile({ type: undefined })],
    ['a kind that is no text', keyFile({ type: ['service_account'] })],
    ['members of its prototype', `{"__proto__":${keyFile()}}`],
    ['no address', keyFile({ client_email: '' })],
    ['an address that leads on', keyFile({ client_email: `a@b.c/../${canary}` })],
    ['an address with a line break', keyFile({ client_email: `a@b.c\r\n${canary}` })],
    ['an address without end', keyFile({ client_email: `${'a'.repeat(300)}@b.c` })],
    ['no key', keyFile({ private_key: undefined })],
    ['a key that is no text', keyFile({ private_key: { canary } })],
  ])('is refused: %s', (_, text) => {
    const sentence = parseServiceAccount(text)
    expect(sentence).toEqual(expect.stringMatching(/^[A-Z].*\.$/))
    expect(sentence).not.toContain('CANARY')
  })

  test('with a key id that could end a header leaves it out', () => {
    expect(parseServiceAccount(keyFile({ private_key_id: 'a\r\nb' }))).toMatchObject({ privateKeyId: undefined })
  })

  test('opens RSA keys alone, and tells nothing of others', () => {
    const open = (key: string) => openKey({ email, privateKey: new Secret(key), privateKeyId: undefined })
    expect(open(pemOf('rsa')).asymmetricKeyType).toBe('rsa')
    for (const key of [
      canary,
      pemOf('ed25519'),
      `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----\n`,
      '',
    ]) {
      const error = (() => {
        try {
          return open(key)
        } catch (thrown) {
          return thrown
        }
      })()
      expect(error).toBeInstanceOf(StorageError)
      expect(error).toMatchObject({ kind: 'bad-credentials' })
      expect(String((error as Error).stack)).not.toContain('CANARY')
    }
  })

  test('any text is read or refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(typeof parseServiceAccount(text)).toBe('string')
        expect(typeof parseFederation(text)).toBe('string')
      }),
    )
  })
})

const audience = '//iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/pool/providers/provider'
const impersonation = (address: string) => ({ service_account_impersonation_url: address })
const own = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${email}:generateAccessToken`
const federation = (more: object = {}) =>
  JSON.stringify({
    type: 'external_account',
    audience,
    token_url: canary,
    credential_source: { file: canary, url: canary, executable: { command: canary } },
    ...more,
  })

describe('a configuration of federation', () => {
  test('gives pool, kind of token and account, and nothing else that it says', () => {
    const subjectTokenType = 'urn:ietf:params:oauth:token-type:jwt'
    expect(parseFederation(federation())).toEqual({ audience, subjectTokenType, email: undefined })
    expect(parseFederation(federation(impersonation(own)))).toEqual({ audience, subjectTokenType, email })
  })

  test.each<[string, object]>([
    ['another kind', { type: 'service_account' }],
    ['no audience', { audience: undefined }],
    ['an audience elsewhere', { audience: `//evil.invalid/${canary}` }],
    ['an audience that goes on', { audience: `${audience}/../${canary}` }],
    ['an audience with a line break', { audience: `${audience}\n` }],
    ['a token of AWS', { subject_token_type: 'urn:ietf:params:aws:token-type:aws4_request' }],
    ['an account at another host', impersonation(own.replace('iamcredentials.googleapis.com', 'evil.invalid'))],
    ['an account at a host that only ends alike', impersonation(own.replace('https://', 'https://evil.invalid/'))],
    ['an account by plain http', impersonation(own.replace('https:', 'http:'))],
    ['an account with a query', impersonation(own.replace(':generate', '?x=:generate'))],
    ['another call', impersonation(own.replace('generateAccessToken', 'signBlob'))],
    ['another project’s path', impersonation(own.replace('/-/', '/-/../'))],
  ])('is refused: %s', (_, more) => {
    const sentence = parseFederation(federation(more))
    expect(sentence).toEqual(expect.stringMatching(/^[A-Z].*\.$/))
    expect(sentence).not.toContain('CANARY')
  })
})

test('an address that could stand for two is none', () => {
  for (const text of ['a@b', 'a b@c.d', 'a@b.c:d', 'a%40b@c.d', '@b.c', 'a@b..c', '-a@b.c', 'ä@b.c']) {
    expect([text, isAccountEmail(text)]).toEqual([text, false])
  }
  expect(isAccountEmail('123-compute@developer.gserviceaccount.com')).toBe(true)
})

describe('where tokens go', () => {
  test('Google’s own hosts are trusted with them, by https alone', () => {
    for (const host of ['storage.googleapis.com', 'storage.me-central2.rep.googleapis.com']) {
      expect(googleAddresses(`https://${host}`, undefined)).toMatchObject({
        storage: `https://${host}`,
        isTrusted: true,
      })
    }
  })

  test.each([
    'http://storage.googleapis.com',
    'https://storage.googleapis.com:8443',
    'https://storage.googleapis.com.evil.invalid',
    'https://evilstorage.googleapis.com',
    'https://storage.evil.googleapis.com',
    'https://127.0.0.1',
  ])('%s is not', (endpoint) => {
    expect(googleAddresses(endpoint, undefined)).toMatchObject({ storage: endpoint, token: null, isTrusted: false })
  })
})
