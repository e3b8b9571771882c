import { z } from 'zod'

/** Settings that say how this server reaches Azure; part of the table of all. */
export const azureVariables = {
  SLUICE_AZURE_AUTHORITY: z
    .url({ protocol: /^https?$/ })
    .default('https://login.microsoftonline.com')
    .describe('Address at which Azure’s tokens are asked; another one for another cloud.'),
  SLUICE_AZURE_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Address that stands in for Azure’s own storage hosts, such as an emulator’s; accounts are in its path.'),
  SLUICE_AZURE_FEDERATED_TOKEN_FILE: z
    .string()
    .regex(/\{org\}/, 'It must hold {org}, so that no organization gets another’s token.')
    .optional()
    .describe(
      'Path of the files with the OpenID tokens that Azure’s federated credentials exchange; {org} in it stands for the organization’s id.',
    ),
  SLUICE_AZURE_MANAGED_IDENTITY_ORGS: z
    .string()
    .regex(/^[0-9a-f]{24}(,[0-9a-f]{24})*$/, 'Give ids of organizations, separated by commas.')
    .optional()
    .describe('Ids of the organizations, separated by commas, that may use the managed identity of this machine.'),
  SLUICE_AZURE_MANAGED_IDENTITY_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .default('http://169.254.169.254')
    .describe('Address at which this machine asks for tokens of its managed identity.'),
} as const

/** How this server reaches Azure; only the operator's settings say it. */
export interface AzureIdentity {
  /** Origin tokens are asked at. */
  readonly authority: string
  /** Origin that stands in for Azure's storage hosts; null: none does. */
  readonly endpoint: string | null
  /** Path of token files with `{org}` in it; null: none. */
  readonly federatedTokenFile: string | null
  /** Organizations that may use the machine's own identity. */
  readonly managedIdentityOrgs: readonly string[]
  readonly managedIdentityEndpoint: string
}

type Values = z.output<z.ZodObject<typeof azureVariables>>

/** What the settings say. */
export function azureIdentityOf(v: Values): AzureIdentity {
  const endpoint = v.SLUICE_AZURE_ENDPOINT
  return {
    authority: new URL(v.SLUICE_AZURE_AUTHORITY).origin,
    endpoint: endpoint === undefined ? null : new URL(endpoint).origin,
    federatedTokenFile: v.SLUICE_AZURE_FEDERATED_TOKEN_FILE ?? null,
    managedIdentityOrgs: v.SLUICE_AZURE_MANAGED_IDENTITY_ORGS?.split(',') ?? [],
    managedIdentityEndpoint: new URL(v.SLUICE_AZURE_MANAGED_IDENTITY_ENDPOINT).origin,
  }
}
