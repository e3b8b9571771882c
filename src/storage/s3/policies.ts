import type { PolicyDocument, PolicyScope, PolicySet } from '../policy.ts'
import { type BlockBody, Expression, type HclValue, hclBlock, jsonencode } from '../terraform.ts'
import {
  ABORT_AFTER_DAYS,
  assumePolicy,
  type S3PolicyScope,
  s3Cors,
  s3Lifecycle,
  s3Policy,
  trustPolicy,
} from './policy.ts'

/** Who logs in to AWS, as far as it is known before anything is connected. */
export type S3PolicyLogin =
  | { readonly kind: 'key' }
  /** `userArn`: whose access key it is; `roleArn`: what that user becomes. */
  | { readonly kind: 'assumed-role'; readonly userArn: string | null; readonly roleArn: string | null }
  /** `principalArn`: this server's; `externalId`: the integration's. */
  | { readonly kind: 'cross-account'; readonly principalArn: string | null; readonly externalId: string | null }

/** What the documents for S3 are made of. */
export interface S3PoliciesOptions extends PolicyScope, S3PolicyScope {
  readonly login: S3PolicyLogin
}

const USER = 'arn:aws:iam::ACCOUNT_ID:user/USER_NAME'
const ROLE = 'arn:aws:iam::ACCOUNT_ID:role/sluice'
const PRINCIPAL = 'PRINCIPAL_OF_THE_INTEGRATION'
const EXTERNAL_ID = 'EXTERNAL_ID_OF_THE_INTEGRATION'

/** Everything AWS, or what speaks like it, has to be told for one driver: rights, trust, CORS, and the clearing away of failed uploads. */
export function s3Policies(options: S3PoliciesOptions): PolicySet {
  const rights = s3Policy(options)
  const documents: PolicyDocument[] = []
  const notes: string[] = []
  const { login, folder, mayWrite, mayAbort, origin } = options
  if (login.kind === 'key') {
    documents.push({
      name: 'user-policy',
      use: 'Give it to the IAM user whose access key the integration holds.',
      document: rights,
    })
  } else {
    documents.push({
      name: 'role-policy',
      use: 'Give it to the role, as its only permissions policy.',
      document: rights,
    })
    documents.push(...trustDocuments(login, notes))
  }
  documents.push({
    name: 'cors',
    use: 'Set it as the bucket’s CORS configuration (aws s3api put-bucket-cors). It replaces the one that is there: keep other rules beside it.',
    document: s3Cors(origin),
  })
  if (mayWrite) {
    documents.push({
      name: 'lifecycle',
      use: `Optional: add its rule to the bucket’s life cycle, and parts of failed uploads are gone after ${ABORT_AFTER_DAYS} days. Setting a life cycle replaces the one that is there.`,
      document: s3Lifecycle(folder),
    })
    if (!mayAbort)
      notes.push(
        'Parts of a large upload that failed stay until a life-cycle rule clears them away; the right s3:AbortMultipartUpload (abortUploads) lets the server do it at once.',
      )
  }
  if (folder !== '')
    notes.push(
      `The driver’s folder has to be exactly “${folder}”: under this policy nothing else of the bucket can be listed.`,
    )
  if (/[*?$]/.test(folder))
    notes.push(
      'The folder’s name has characters that stand for others in policies; they are written as AWS wants them, so that the policy holds for this folder alone. Other services may take them to be letters, and then deny.',
    )
  notes.push('Block all public access to the bucket: files are given to browsers by signed addresses only.')
  return { documents, terraform: terraform(options), notes }
}

function trustDocuments(login: Exclude<S3PolicyLogin, { kind: 'key' }>, notes: string[]): PolicyDocument[] {
  const use = 'Make it the role’s trust policy.'
  if (login.kind === 'assumed-role') {
    if (login.userArn === null || login.roleArn === null)
      notes.push('Put the ARNs of your own user and role where ACCOUNT_ID and USER_NAME stand.')
    return [
      { name: 'trust-policy', use, document: trustPolicy(login.userArn ?? USER, null) },
      {
        name: 'user-policy',
        use: 'Give it to the IAM user whose access key the integration holds, as its only policy.',
        document: assumePolicy(login.roleArn ?? ROLE),
      },
    ]
  }
  const { principalArn, externalId } = login
  if (principalArn === null || externalId === null)
    notes.push('Principal and external id are shown by the integration once it is made; ask again with its id.')
  notes.push('The external id has to stay in the trust policy: a role that opens without it is refused.')
  return [{ name: 'trust-policy', use, document: trustPolicy(principalArn ?? PRINCIPAL, externalId ?? EXTERNAL_ID) }]
}

function terraform(options: S3PoliciesOptions): string {
  const { login, bucket } = options
  const rights = jsonencode(asHcl(s3Policy(options)))
  const blocks: string[] = []
  const add = (labels: string, attributes: BlockBody['attributes'], inner: BlockBody['blocks'] = []) =>
    blocks.push(hclBlock(labels, { attributes, blocks: inner }))
  if (login.kind !== 'cross-account') add('resource "aws_iam_user" "sluice"', { name: 'sluice' })
  if (login.kind === 'key') {
    add('resource "aws_iam_user_policy" "sluice"', {
      name: 'sluice',
      user: new Expression('aws_iam_user.sluice.name'),
      policy: rights,
    })
  } else {
    add('resource "aws_iam_role" "sluice"', { name: 'sluice', assume_role_policy: jsonencode(trustHcl(login)) })
    add('resource "aws_iam_role_policy" "sluice"', {
      name: 'sluice',
      role: new Expression('aws_iam_role.sluice.id'),
      policy: rights,
    })
  }
  if (login.kind === 'assumed-role') {
    const assume = asHcl(assumePolicy(ROLE), (text) =>
      text === ROLE ? new Expression('aws_iam_role.sluice.arn') : text,
    )
    add('resource "aws_iam_user_policy" "sluice"', {
      name: 'sluice',
      user: new Expression('aws_iam_user.sluice.name'),
      policy: jsonencode(assume),
    })
  }
  const [cors] = s3Cors(options.origin).CORSRules as readonly Record<string, HclValue>[]
  const rule: BlockBody['attributes'] = {
    id: cors!.ID!,
    allowed_origins: cors!.AllowedOrigins!,
    allowed_methods: cors!.AllowedMethods!,
    allowed_headers: cors!.AllowedHeaders!,
    expose_headers: cors!.ExposeHeaders!,
    max_age_seconds: cors!.MaxAgeSeconds!,
  }
  add('resource "aws_s3_bucket_cors_configuration" "sluice"', { bucket }, [['cors_rule', { attributes: rule }]])
  return `${blocks.join('\n\n')}\n`
}

function trustHcl(login: Exclude<S3PolicyLogin, { kind: 'key' }>): HclValue {
  if (login.kind === 'cross-account')
    return asHcl(trustPolicy(login.principalArn ?? PRINCIPAL, login.externalId ?? EXTERNAL_ID))
  return asHcl(trustPolicy(USER, null), (text) => (text === USER ? new Expression('aws_iam_user.sluice.arn') : text))
}

/** A document with some of its texts replaced by references. */
function asHcl(document: unknown, replace: (text: string) => HclValue = (text) => text): HclValue {
  if (typeof document === 'string') return replace(document)
  if (Array.isArray(document)) return document.map((one) => asHcl(one, replace))
  if (typeof document === 'object' && document !== null) {
    const members = Object.entries(document).filter(([, value]) => value !== undefined)
    return Object.fromEntries(members.map(([name, value]) => [name, asHcl(value, replace)]))
  }
  return document as number | boolean
}
