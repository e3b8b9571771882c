import { literal } from '#storage/s3/policy.ts'

/** What a session for one driver may reach. */
export interface SessionScope {
  readonly partition: string
  readonly bucket: string
  /** Empty, or with a slash at the end. */
  readonly folder: string
  readonly mayWrite: boolean
  readonly mayDelete: boolean
  /** Whether it is AWS's own: other services refuse a policy that speaks of encryption keys. */
  readonly isAws: boolean
}

const encryptionKeys = {
  Effect: 'Allow',
  Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
  Resource: '*',
  Condition: { StringLike: { 'kms:ViaService': 's3.*' } },
}

/** Longest policy in characters that a session takes (AWS). */
const POLICY_CHARS_MAX = 2048

/**
 * The policy of a session: the bucket and folder of one driver, whatever else its role may (§4.2 of the safety design). Undefined where the folder's name is so
 * long that no policy takes it; the role's own policy is the only bound then.
 *
 * The rights are those that the documents ask the role for (PM-07, PM-09); the use of encryption keys is left to the role, as far as it goes through S3 (PM-24).
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
 */
export function sessionPolicy(scope: SessionScope): string | undefined {
  const { partition, bucket, mayWrite, mayDelete, isAws } = scope
  const folder = literal(scope.folder)
  const arn = `arn:${partition}:s3:::${bucket}`
  const actions = [
    's3:GetObject',
    ...(mayWrite ? ['s3:PutObject', 's3:AbortMultipartUpload'] : []),
    ...(mayWrite && mayDelete ? ['s3:DeleteObject'] : []),
  ]
  const statements = [
    {
      Effect: 'Allow',
      Action: 's3:ListBucket',
      Resource: arn,
      ...(folder !== '' && { Condition: { StringLike: { 's3:prefix': `${folder}*` } } }),
    },
    { Effect: 'Allow', Action: actions, Resource: `${arn}/${folder}*` },
    ...(isAws ? [encryptionKeys] : []),
  ]
  const text = JSON.stringify({ Version: '2012-10-17', Statement: statements })
  return text.length <= POLICY_CHARS_MAX ? text : undefined
}
