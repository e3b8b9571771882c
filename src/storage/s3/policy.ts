import { ASKED_HEADERS, CORS_MAX_AGE_SECONDS, EXPOSED_HEADERS, type PolicyScope } from '../policy.ts'

/** The rights of one driver in the words of AWS. */
export interface S3PolicyScope extends Pick<PolicyScope, 'bucket' | 'folder' | 'mayWrite' | 'mayDelete'> {
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string
  /** Whether uploads in parts that failed may be given up (PM-23). */
  readonly mayAbort: boolean
  /** The bucket's own key in the key service; undefined: it has none, or AWS's (PM-24). */
  readonly kmsKeyArn?: string | undefined
}

/** One statement of a policy. */
export interface S3Statement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

/** A policy document of AWS. */
export interface S3Policy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly S3Statement[]
}

/**
 * The least that lets a driver work (PM-07, PM-09): listing the folder, and the objects below it. For users, roles and whoever else has policies.
 *
 * A name with `*`, `?` or `$` stands for itself only. The folder is listed by exactly its name or by one that begins with it, which shows nothing more
 * and lets a sync list its parts at once.
 */
export function s3Policy(scope: S3PolicyScope): S3Policy {
  const { partition, bucket, mayWrite, mayDelete, mayAbort, kmsKeyArn } = scope
  const arn = `arn:${partition}:s3:::${bucket}`
  const folder = literal(scope.folder)
  const files: S3Statement = {
    Sid: 'UseTheFiles',
    Effect: 'Allow',
    Action: [
      's3:GetObject',
      ...(mayWrite ? ['s3:PutObject'] : []),
      ...(mayWrite && mayAbort ? ['s3:AbortMultipartUpload'] : []),
      ...(mayWrite && mayDelete ? ['s3:DeleteObject'] : []),
    ],
    Resource: [`${arn}/${folder}*`],
  }
  const list: S3Statement = {
    Sid: 'ListTheFolder',
    Effect: 'Allow',
    Action: ['s3:ListBucket'],
    Resource: [arn],
    ...(folder !== '' && { Condition: { StringLike: { 's3:prefix': [folder, `${folder}*`] } } }),
  }
  const key = kmsKeyArn === undefined ? [] : [keyStatement(kmsKeyArn, mayWrite, partition)]
  return { Version: '2012-10-17', Statement: [list, files, ...key] }
}

function keyStatement(keyArn: string, mayWrite: boolean, partition: string): S3Statement {
  const region = keyArn.split(':')[3] ?? '*'
  const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'
  return {
    Sid: 'UseTheBucketsKey',
    Effect: 'Allow',
    Action: ['kms:Decrypt', ...(mayWrite ? ['kms:GenerateDataKey'] : [])],
    Resource: [literal(keyArn)],
    Condition: { StringEquals: { 'kms:ViaService': `s3.${region}.${domain}` } },
  }
}

/**
 * A text in a pattern of a policy, where `*`, `?` and `$` would stand for others.
 *
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
 */
export function literal(text: string): string {
  return text.replace(/[*?$]/g, (character) => `\${${character}}`)
}

/** Lets a user do nothing but become one role (PM-11). */
export function assumePolicy(roleArn: string): S3Policy {
  const statement = { Sid: 'BecomeTheRole', Effect: 'Allow' as const, Action: ['sts:AssumeRole'], Resource: [roleArn] }
  return { Version: '2012-10-17', Statement: [statement] }
}

/** Who may become a role; with the external id where another account asks, so that nobody else can ask in our name (T18). */
export function trustPolicy(principalArn: string, externalId: string | null): unknown {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'LetSluiceIn',
        Effect: 'Allow',
        Principal: { AWS: principalArn },
        Action: 'sts:AssumeRole',
        ...(externalId !== null && { Condition: { StringEquals: { 'sts:ExternalId': externalId } } }),
      },
    ],
  }
}

/** Lets the console's pages read files from the bucket by signed addresses. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CORSRule.html */
export function s3Cors(origin: string): { readonly CORSRules: readonly unknown[] } {
  return {
    CORSRules: [
      {
        ID: 'sluice-console',
        AllowedOrigins: [origin],
        AllowedMethods: ['GET', 'HEAD'],
        AllowedHeaders: [...ASKED_HEADERS],
        ExposeHeaders: [...EXPOSED_HEADERS],
        MaxAgeSeconds: CORS_MAX_AGE_SECONDS,
      },
    ],
  }
}

/** Days after which the bucket drops parts of uploads that were never finished. */
export const ABORT_AFTER_DAYS = 7

/** Clears away what failed uploads in parts leave, for those who may not give them up themselves (PM-23). */
export function s3Lifecycle(folder: string): unknown {
  return {
    Rules: [
      {
        ID: 'sluice-unfinished-uploads',
        Status: 'Enabled',
        Filter: { Prefix: folder },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: ABORT_AFTER_DAYS },
      },
    ],
  }
}
