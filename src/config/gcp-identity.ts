import { z } from 'zod'
import { Secret } from '#lib/secret.ts'

/** Settings that say who this server is to Google Cloud; part of the table of all. */
export const gcpVariables = {
  SLUICE_GCP_PRINCIPAL_EMAIL: z
    .string()
    .refine((text) => z.email().safeParse(text.replaceAll('{org}', 'org')).success, 'It must be an e-mail address.')
    .optional()
    .describe(
      'E-mail address of this server’s own Google service account, which cross-project ones have to trust; with {org} in it, each organization’s id, an account of its own for each.',
    ),
  SLUICE_GCP_PRINCIPAL_KEY: z
    .string()
    .optional()
    .describe(
      'The text of the JSON key file of that service account; where the address has {org}, of one that may act for all of those.',
    ),
  SLUICE_GCP_SUBJECT_TOKEN_FILE: z
    .string()
    .regex(/\{org\}/, 'It must hold {org}, so that no organization gets another’s token.')
    .optional()
    .describe(
      'Path of the files with the OpenID tokens that workload identity federation exchanges; {org} in it stands for the organization’s id.',
    ),
  SLUICE_GCP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Address that stands in for all of Google’s own (storage and log-in), such as an emulator’s.'),
} as const

/** How this server logs in at Google Cloud as itself; only the operator's settings say it. */
export interface GcpIdentity {
  /** Text of the key file of `gcpPrincipalEmail`, or of the account that acts for it; null: none. */
  readonly keyFile: Secret | null
  /** Path of token files with `{org}` in it; null: none. */
  readonly subjectTokenFile: string | null
  /** Origin that stands in for Google's addresses; null: none does. */
  readonly endpoint: string | null
}

type Values = z.output<z.ZodObject<typeof gcpVariables>>

/** The identity that the settings describe; throws where they contradict each other. */
export function gcpIdentityOf(v: Values): GcpIdentity {
  const { SLUICE_GCP_PRINCIPAL_KEY: key, SLUICE_GCP_PRINCIPAL_EMAIL: email, SLUICE_GCP_ENDPOINT: endpoint } = v
  const isItsOwn = key === undefined || (email?.includes('{org}') ? emailOf(key) !== null : emailOf(key) === email)
  if (!isItsOwn)
    throw new Error(
      'SLUICE_GCP_PRINCIPAL_KEY has to be a key file, and that of the account SLUICE_GCP_PRINCIPAL_EMAIL.',
    )
  return {
    keyFile: key === undefined ? null : new Secret(key),
    subjectTokenFile: v.SLUICE_GCP_SUBJECT_TOKEN_FILE ?? null,
    endpoint: endpoint === undefined ? null : new URL(endpoint).origin,
  }
}

/** Null for a text that is no key file; the parser's own error would quote the key. */
function emailOf(keyFile: string): unknown {
  try {
    return (JSON.parse(keyFile) as { client_email?: unknown } | null)?.client_email ?? null
  } catch {
    return null
  }
}
