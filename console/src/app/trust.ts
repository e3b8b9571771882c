import type { Integration } from '#contract/integrations.ts'

/** How far an integration is with the account that has to trust this server; null for kinds that need nobody's trust. */
export interface TrustState {
  /** Whom the other account has to trust: an ARN, or an e-mail address. */
  readonly principal: string
  readonly externalId: string | undefined
  readonly isTrusted: boolean
  readonly reason: string | undefined
}

/** Reads the state of trust from an integration's facts, where the API keeps it. */
export function trustOf({ metadata, type }: Pick<Integration, 'metadata' | 'type'>): TrustState | null {
  // Other kinds may have facts of these names that somebody keeps beside them.
  if (!/-cross$/.test(type)) return null
  const text = (wanted: string) => {
    const value = metadata.find(({ name }) => name === wanted)?.value
    return typeof value === 'string' ? value : undefined
  }
  const status = text('status')
  const principal = text('userArn') ?? text('email')
  if (status === undefined || principal === undefined) return null
  return {
    principal,
    externalId: text('externalId'),
    isTrusted: status === 'trust-established',
    reason: text('reason'),
  }
}

/** The document that a role of AWS has to have so that it trusts this server, and only for this integration. */
export function awsTrustPolicy({ principal, externalId }: Pick<TrustState, 'principal' | 'externalId'>): string {
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: principal },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'sts:ExternalId': externalId } },
  }
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] }, null, 2)
}
