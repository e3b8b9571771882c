import { z } from 'zod'
import { Secret } from '#lib/secret.ts'

/** Settings that say who this server is to AWS; part of the table of all. */
export const awsVariables = {
  SLUICE_AWS_PRINCIPAL_ARN: z
    .string()
    .regex(/^arn:aws(-[a-z]+)*:(iam|sts)::\d{12}:[\x21-\x7e]+$/)
    .optional()
    .describe('ARN of this server’s own AWS user or role, which cross-account roles have to trust.'),
  SLUICE_AWS_IDENTITY: z
    .enum(['key', 'web-identity', 'pod-identity'])
    .optional()
    .describe(
      'How this server logs in as that user or role: by an access key, or by the token file that Kubernetes gives a pod. “key” when a key is set, otherwise not at all.',
    ),
  SLUICE_AWS_PRINCIPAL_KEY: z.string().optional().describe('Access key of that user.'),
  SLUICE_AWS_PRINCIPAL_SECRET: z.string().optional().describe('Secret of that access key.'),
  SLUICE_AWS_TOKEN_FILE: z.string().optional().describe('Token file of a web or pod identity.'),
  SLUICE_AWS_POD_URL: z
    .url()
    .default('http://169.254.170.23/v1/credentials')
    .describe('Where the agent of pod identities answers.'),
  SLUICE_AWS_STS_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Address of the Security Token Service, when it is not AWS’s own; storages of the same host then take roles too.',
    ),
} as const

/** How this server logs in at AWS as itself; only the operator's settings say it. */
export type AwsIdentity =
  | { readonly kind: 'key'; readonly accessKeyId: string; readonly secretAccessKey: Secret }
  | { readonly kind: 'web-identity'; readonly roleArn: string; readonly tokenFile: string }
  | { readonly kind: 'pod-identity'; readonly url: string; readonly tokenFile: string }

type Values = z.output<z.ZodObject<typeof awsVariables>>

/** The identity that the settings describe, null for none; throws where they are incomplete. */
export function awsIdentityOf(v: Values): AwsIdentity | null {
  const { SLUICE_AWS_PRINCIPAL_KEY: accessKeyId, SLUICE_AWS_PRINCIPAL_SECRET: secret } = v
  const kind = v.SLUICE_AWS_IDENTITY ?? (accessKeyId === undefined && secret === undefined ? null : 'key')
  if (kind === null) return null
  const roleArn = v.SLUICE_AWS_PRINCIPAL_ARN
  if (roleArn === undefined)
    throw new Error('SLUICE_AWS_PRINCIPAL_ARN has to be set too, so that others know whom to trust.')
  if (kind === 'key') {
    if (accessKeyId === undefined || secret === undefined)
      throw new Error('SLUICE_AWS_PRINCIPAL_KEY and SLUICE_AWS_PRINCIPAL_SECRET have to be set together.')
    return { kind, accessKeyId, secretAccessKey: new Secret(secret) }
  }
  const tokenFile = v.SLUICE_AWS_TOKEN_FILE
  if (tokenFile === undefined) throw new Error(`SLUICE_AWS_TOKEN_FILE has to be set for SLUICE_AWS_IDENTITY=${kind}.`)
  return kind === 'web-identity' ? { kind, roleArn, tokenFile } : { kind, url: v.SLUICE_AWS_POD_URL, tokenFile }
}
