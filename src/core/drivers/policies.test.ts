// Proves that generated policies allow what a driver needs and no more, whatever its folder is called, and that names cannot break out of JSON, CEL, conditions or Terraform.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PolicySet } from '#storage/policy.ts'
import type { S3Policy } from '#storage/s3/policy.ts'
import { describePolicies, type PolicyChoice, type PolicySubject, policiesOf } from './policies.ts'

const choice: PolicyChoice = { origin: 'https://sluice.example', abortUploads: false }
const place = { s3: 'bucketName', gcs: 'bucket', azureblob: 'containerName' } as const

function policies(
  type: string,
  {
    folder = '',
    allowDelete = false,
    integrationType = null as string | null,
    more = {} as object,
    trust = null as PolicySubject['trust'],
    chosen = {} as Partial<PolicyChoice>,
  } = {},
): PolicySet {
  const payload = { [place[type as keyof typeof place]]: 'photos', ...more }
  const subject = describePolicies({ type, integrationType, payload, allowDelete })
  return policiesOf({ ...subject, folder, trust }, { ...choice, ...chosen })
}

// biome-ignore lint/suspicious/noExplicitAny: a test asserts what it expects of the JSON.
const named = (set: PolicySet, name: string): any => set.documents.find((one) => one.name === name)?.document

/** AWS's patterns: `${*}` and its like stand for the character itself, `*` for any text, `?` for any character. */
function matches(pattern: string, text: string): boolean {
  const source = pattern.replace(/\$\{([*?$])\}|([*?])|([\s\S])/g, (_all, escaped, wild, plain) => {
    if (wild !== undefined) return wild === '*' ? '[\\s\\S]*' : '[\\s\\S]'
    return (escaped ?? plain).replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&')
  })
  return new RegExp(`^${source}$`).test(text)
}

function allows(policy: S3Policy, action: string, resource: string, prefix = ''): boolean {
  return policy.Statement.some(({ Action, Resource, Condition }) => {
    const wanted = Condition?.StringLike?.['s3:prefix']
    const isFit = wanted === undefined || (wanted as string[]).some((one) => matches(one, prefix))
    return Action.includes(action) && Resource.some((one) => matches(one, resource)) && isFit
  })
}

const folderText = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', '*', '?', '$', '{', '}', '"', "'", '\\', '/', ' ', '%', 'é', '日', '#'),
    minLength: 1,
    maxLength: 12,
  }),
  fc.constantFrom(`\${*}`, `\${aws:username}`, '%{if}', "') || true || ('", '") || true || ("'),
)

describe('for S3', () => {
  const bucket = 'arn:aws:s3:::photos'

  test('allows four actions at most, two of them for reading only', () => {
    const actions = (set: PolicySet) =>
      (named(set, 'user-policy') as S3Policy).Statement.flatMap(({ Action }) => Action).sort()
    expect(actions(policies('s3', { allowDelete: true }))).toEqual(
      ['s3:DeleteObject', 's3:GetObject', 's3:ListBucket', 's3:PutObject'].sort(),
    )
    expect(actions(policies('s3'))).toEqual(['s3:GetObject', 's3:ListBucket', 's3:PutObject'])
    expect(actions(policies('s3', { more: { readOnly: true }, allowDelete: true }))).toEqual([
      's3:GetObject',
      's3:ListBucket',
    ])
    expect(actions(policies('s3', { chosen: { abortUploads: true } }))).toContain('s3:AbortMultipartUpload')
  })

  test('a folder is held to, whatever it is called, and no pattern in its name widens it', () => {
    fc.assert(
      fc.property(folderText, folderText, fc.string({ maxLength: 5 }), (name, other, file) => {
        const folder = `${name}/`
        const policy = named(policies('s3', { folder, allowDelete: true }), 'user-policy') as S3Policy
        for (const action of ['s3:GetObject', 's3:PutObject', 's3:DeleteObject']) {
          expect(allows(policy, action, `${bucket}/${folder}${file}`)).toBe(true)
          const foreign = `${other}/${file}`
          expect(allows(policy, action, `${bucket}/${foreign}`)).toBe(foreign.startsWith(folder))
          expect(allows(policy, action, `${bucket}s/${folder}${file}`)).toBe(false)
        }
        expect(allows(policy, 's3:ListBucket', bucket, folder)).toBe(true)
        expect(allows(policy, 's3:ListBucket', bucket, `${other}/`)).toBe(`${other}/`.startsWith(folder))
        expect(allows(policy, 's3:ListBucket', bucket, '')).toBe(false)
      }),
    )
  })

  test('a role trusts with the external id of the integration; a user becomes one role', () => {
    const trust = { principal: 'arn:aws:iam::123456789012:user/sluice', externalId: 'e-1' }
    const cross = policies('s3', { integrationType: 'aws-cross', trust })
    expect(named(cross, 'trust-policy').Statement).toEqual([
      expect.objectContaining({
        Principal: { AWS: trust.principal },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': 'e-1' } },
      }),
    ])
    const sts = policies('s3', { integrationType: 'aws-sts' })
    expect(named(sts, 'user-policy').Statement).toHaveLength(1)
    expect(named(sts, 'user-policy').Statement[0].Action).toEqual(['sts:AssumeRole'])
    expect(allows(named(sts, 'role-policy'), 's3:GetObject', `${bucket}/a`)).toBe(true)
  })

  test('a key of the bucket’s own is allowed for use through S3 only, for reading only where nothing is written', () => {
    const kmsKeyArn = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd'
    const key = (more: object) =>
      (named(policies('s3', { chosen: { kmsKeyArn }, more }), 'user-policy') as S3Policy).Statement.at(-1)
    expect(key({})).toMatchObject({
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: [kmsKeyArn],
      Condition: { StringEquals: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' } },
    })
    expect(key({ readOnly: true })?.Action).toEqual(['kms:Decrypt'])
  })

  test('is of the partition that the region lies in', () => {
    const policy = named(policies('s3', { more: { region: 'cn-north-1' } }), 'user-policy') as S3Policy
    expect(policy.Statement[0]!.Resource).toEqual(['arn:aws-cn:s3:::photos'])
  })
})

describe('for Google Cloud', () => {
  test('the role holds reading, creating and, when chosen, deleting', () => {
    const role = (allowDelete: boolean) => named(policies('gcs', { allowDelete }), 'custom-role').includedPermissions
    expect(role(false)).toEqual([
      'storage.buckets.get',
      'storage.objects.get',
      'storage.objects.list',
      'storage.objects.create',
    ])
    expect(role(true)).toContain('storage.objects.delete')
  })

  test('the folder’s name stays a text in the condition, whatever it is called', () => {
    fc.assert(
      fc.property(folderText, (name) => {
        const { expression } = named(policies('gcs', { folder: `${name}/` }), 'binding').condition
        const [path, attribute, none, prefix, ...rest] = expression.match(/"(?:[^"\\]|\\.)*"/g)
        expect(rest).toEqual([])
        expect([path, attribute, none, prefix].map((one) => JSON.parse(one))).toEqual([
          `projects/_/buckets/photos/objects/${name}/`,
          'storage.googleapis.com/objectListPrefix',
          '',
          `${name}/`,
        ])
      }),
    )
  })

  test('a log-in without a key may act as the account and sign in its name, and nobody else may', () => {
    const trust = { principal: 'sluice@op.iam.gserviceaccount.com', account: 'files@mine.iam.gserviceaccount.com' }
    const set = policies('gcs', { integrationType: 'gcp-cross', trust })
    expect(named(set, 'binding').members).toEqual([`serviceAccount:${trust.account}`])
    expect(named(set, 'token-creator')).toEqual({
      role: 'roles/iam.serviceAccountTokenCreator',
      members: [`serviceAccount:${trust.principal}`],
    })
    expect(named(policies('gcs'), 'token-creator')).toBeUndefined()
  })
})

describe('for Azure', () => {
  test('the role holds data actions only, and the folder is a condition of the assignment', () => {
    const set = policies('azureblob', { folder: 'in/*?/', allowDelete: true })
    const role = named(set, 'role-definition')
    expect([role.Actions, role.DataActions.map((one: string) => one.split('/').at(-1))]).toEqual([
      [],
      ['read', 'write', 'delete'],
    ])
    const { condition, conditionVersion } = named(set, 'role-assignment')
    expect(conditionVersion).toBe('2.0')
    expect(condition.match(/StringStartsWith 'in\/\*\?\/'/g)).toHaveLength(4)
    expect(condition).not.toContain('StringLike')
  })

  test('a name that conditions cannot spell gets no assignment at all, and says so', () => {
    for (const folder of ["it's/", 'a"b/', 'a\\b/']) {
      const set = policies('azureblob', { folder })
      expect(named(set, 'role-assignment')).toBeUndefined()
      expect(set.terraform).not.toContain('"azurerm_role_assignment" "sluice"')
      expect(set.notes.join(' ')).toContain('no documented spelling')
    }
  })

  test('of a signature and of an account key it says what they cannot be limited to', () => {
    const sas = policies('azureblob', { integrationType: 'azure-sas', folder: 'a/', allowDelete: true })
    expect(named(sas, 'sas').signedPermissions).toBe('rcwdl')
    expect(named(policies('azureblob', { integrationType: 'azure-sas' }), 'sas').signedPermissions).toBe('rcwl')
    expect(sas.notes.join(' ')).toContain('not what these credentials may do')
    const key = policies('azureblob', { integrationType: 'azure-account-key' })
    expect(key.documents.map((one) => one.name)).toEqual(['cors'])
    expect(key.notes[0]).toContain('opens the whole storage account')
  })
})

test('what is wrong is told field by field before anything is written', () => {
  const wrong = () =>
    describePolicies({
      type: 's3',
      integrationType: 'gcs',
      payload: { bucketName: 'a/b', path: 's3://x' },
      allowDelete: false,
    })
  expect(wrong).toThrow(
    expect.objectContaining({
      code: 'driver.invalid',
      details: [
        expect.objectContaining({ path: 'payload.bucketName' }),
        expect.objectContaining({ path: 'payload.path' }),
        expect.objectContaining({ path: 'integrationType' }),
      ],
    }),
  )
})

test('every provider’s CORS rule names the console’s origin and nothing more than reading', () => {
  const cors = (type: string) => JSON.stringify(named(policies(type), 'cors'))
  for (const type of Object.keys(place)) {
    expect(cors(type)).toContain('https://sluice.example')
    expect(cors(type)).not.toMatch(/"PUT"|"POST"|"DELETE"|"\*"/)
  }
})
