// Proves what each kind of integration wants of its options, that complaints name the field, and that no complaint ever repeats what was typed.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '#lib/app-error.ts'
import { checkOptions, namedOptions, type Options, requireType } from './credentials.ts'
import type { FieldIssue } from './registry.ts'
import { integrationTypes } from './types.ts'

const keyFile = {
  type: 'service_account',
  project_id: 'p',
  private_key_id: '1',
  private_key: '-----BEGIN PRIVATE KEY-----',
  client_email: 'a@p.iam.gserviceaccount.com',
  client_id: '1',
  auth_uri: 'https://a',
  token_uri: 'https://t',
  auth_provider_x509_cert_url: 'https://c',
  client_x509_cert_url: 'https://x',
}
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** A docker configuration as the SDK makes it. */
function docker(username: string, password: string, server = 'docker.io', more: object = {}) {
  const auths = { [server]: { username, password, auth: base64(`${username}:${password}`), ...more } }
  return { name: '_json_key', spec: { password: base64(JSON.stringify({ auths })) } }
}
const ecr = { accessKeyId: 'a', secretAccessKey: 's', account: '123456789012', region: 'eu-west-1' }

function issuesOf(type: string, options: Options): FieldIssue[] {
  try {
    const found = requireType(type)
    checkOptions(found, namedOptions(found, options), 'options')
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(AppError)
    return (error as AppError).details as FieldIssue[]
  }
}
const pathsOf = (type: string, options: Options) => issuesOf(type, options).map((issue) => issue.path)

const role = 'arn:aws:iam::123456789012:role/reader'
const azure = { key: 'account', secret: 's', clientId: 'c', tenantId: 't' }

describe('options are taken', () => {
  it.each<[string, Options]>([
    ['s3', { key: 'k', secret: 's' }],
    ['aws-sts', { key: 'k', secret: 's', roleArns: role }],
    ['aws-sts', { key: 'k', secret: 's', roleArns: `${role}, arn:aws-us-gov:iam::123456789012:role/a/b` }],
    ['aws-cross', { roleArn: role }],
    ['aws-cross', { roleArns: role }],
    ['gcs', { key: null, secret: null, content: JSON.stringify(keyFile) }],
    ['gcs', { key: '', secret: '', content: JSON.stringify({ ...keyFile, more: 1 }) }],
    ['gcp-cross', { email: 'a@p.iam.gserviceaccount.com', resourceName: 'projects/1' }],
    ['gcp-workload-identity-federation', { secret: 's', content: '{}', clientId: 'c' }],
    ['gcp-workload-identity-federation', { secret: 's', content: '{"type":"external_account"}', clientId: 'c' }],
    ['azureblob', azure],
    ['key_value', { key: 'name', value: ' any\nthing ' }],
    ['private-registry', { name: 'AWS', spec: ecr }],
    ['private-registry', docker('user', 'p')],
    ['private-registry', docker('user', 'p', 'x.azurecr.io', { email: 'a@b.c' })],
    ['private-registry', docker('_json_key', JSON.stringify(keyFile), 'us-central1')],
    ['private-registry', docker('_json_key', base64(JSON.stringify(keyFile)), 'eu.gcr.io')],
  ])('%s %j', (type, options) => {
    expect(issuesOf(type, options)).toEqual([])
  })
})

describe('options are refused with the place of what is wrong', () => {
  const content = (file: object) => ({ content: JSON.stringify(file) })
  const spec = (password: unknown) => ({ name: '_json_key', spec: { password } })
  it.each<[string, string, Options, string[]]>([
    ['a role that is none', 'aws-sts', { key: 'k', secret: 's', roleArns: 'reader' }, ['options.roleArns']],
    ['one role of two', 'aws-sts', { key: 'k', secret: 's', roleArns: `${role},` }, ['options.roleArns']],
    ['both names of a field', 'aws-cross', { roleArn: role, roleArns: role }, ['options.roleArns']],
    ['no JSON', 'gcs', { content: 'canary' }, ['options.content']],
    ['an object that is no text', 'gcs', { content: keyFile }, ['options.content']],
    ['another type of file', 'gcs', content({ ...keyFile, type: 'authorized_user' }), ['options.content']],
    ['a file without its key', 'gcs', content({ ...keyFile, private_key: '' }), ['options.content']],
    ['an address that is none', 'gcp-cross', { email: 'x', resourceName: 'r' }, ['options.email']],
    ['half of it', 'gcp-cross', { email: 'a@b.cd' }, ['options.resourceName']],
    ['nothing', 'azureblob', {}, ['options.key', 'options.secret', 'options.clientId', 'options.tenantId']],
    ['no value', 'key_value', { key: 'k' }, ['options.value']],
    ['a user nobody knows', 'private-registry', { name: 'me', spec: ecr }, ['options.name']],
    ['a text', 'private-registry', { name: 'AWS', spec: 'canary' }, ['options.spec']],
    ['a list', 'private-registry', { name: 'AWS', spec: [] }, ['options.spec']],
    ['an account', 'private-registry', { name: 'AWS', spec: { ...ecr, account: '12' } }, ['options.spec.account']],
    ['more fields', 'private-registry', { name: 'AWS', spec: { ...ecr, canary: 1 } }, ['options.spec']],
    ['no password', 'private-registry', spec(''), ['options.spec.password']],
    ['no base64', 'private-registry', spec('can-ary!'), ['options.spec.password']],
    ['no JSON inside', 'private-registry', spec(base64('canary')), ['options.spec.password']],
    ['no server', 'private-registry', spec(base64('{"auths":{}}')), ['options.spec.password']],
    ['an empty server', 'private-registry', docker('u', 'p', ''), ['options.spec.password.auths.server']],
    ['an empty user', 'private-registry', docker('', 'p'), ['options.spec.password.auths.username']],
    ['an empty password', 'private-registry', docker('u', ''), ['options.spec.password.auths.password']],
    [
      'another auth',
      'private-registry',
      docker('u', 'p', 'x', { auth: 'canary' }),
      ['options.spec.password.auths.auth'],
    ],
    [
      'a key file with a hole',
      'private-registry',
      docker('_json_key', base64(JSON.stringify({ ...keyFile, token_uri: undefined }))),
      ['options.spec.password.auths.password'],
    ],
  ])('%s (%s)', (_what, type, options, paths) => {
    const issues = issuesOf(type, options)
    expect(issues.map((issue) => issue.path)).toEqual(paths)
    expect(JSON.stringify(issues)).not.toContain('canary')
  })

  const without = (field: string) => JSON.stringify({ ...keyFile, [field]: undefined })
  const fields = Object.keys(keyFile)
  it.each(fields)('a registry’s key file in base64 without %s, by name', (field) => {
    const [issue] = issuesOf('private-registry', docker('_json_key', base64(without(field))))
    expect(issue?.message).toContain(field)
  })

  it.each(fields)('a registry’s key as scripts give it without %s, by name, if no log-in goes without', (field) => {
    const [issue] = issuesOf('private-registry', docker('_json_key', without(field)))
    const isNeeded = ['type', 'project_id', 'private_key', 'client_email'].includes(field)
    expect(issue?.message.includes(field) ?? false).toBe(isNeeded)
  })
})

describe('whatever is typed', () => {
  const canary = 'CANARY-7f3a'
  const value = fc.oneof(
    fc.constantFrom(canary, `${canary}\n`, ` ${canary}`, base64(canary), JSON.stringify({ type: canary }), 7, null),
    fc.record({ password: fc.constantFrom(canary, base64(JSON.stringify({ auths: { x: canary } }))) }),
    fc.record({ accessKeyId: fc.constant(canary), account: fc.constant(canary) }),
  )

  it('is either taken or refused with places, and never repeated', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...integrationTypes),
        fc.array(value, { minLength: 4, maxLength: 4 }),
        (type, values) => {
          const options = Object.fromEntries(type.options.map((option, n) => [option.name, values[n]]))
          const said = JSON.stringify(issuesOf(type.type, options))
          expect(said).not.toContain(canary)
          expect(said).not.toContain(base64(canary))
        },
      ),
    )
  })

  it('a missing option that is required is always named', () => {
    for (const type of integrationTypes) {
      const required = type.options.filter((option) => option.required).map((option) => `options.${option.name}`)
      expect(pathsOf(type.type, {})).toEqual(required)
    }
  })
})
