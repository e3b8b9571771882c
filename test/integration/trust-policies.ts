import type { TrustPolicy, TrustStatement } from '../fakes/trust-policy.ts'

/** A trust policy of a role, and whether a role with it may be taken. */
export interface TrustCase {
  readonly name: string
  readonly isTaken: boolean
  policy(place: TrustPlace): TrustPolicy
}

/** What a policy is written with. */
export interface TrustPlace {
  readonly principal: string
  readonly account: string
  /** The integration's own. */
  readonly externalId: string
  /** Of another organization's integration. */
  readonly otherId: string
}

type Condition = NonNullable<TrustStatement['Condition']>

const allow = (
  AWS: string | readonly string[],
  Condition?: Condition,
  Action: string | readonly string[] = 'sts:AssumeRole',
): TrustStatement => ({ Effect: 'Allow', Principal: { AWS }, Action, ...(Condition && { Condition }) })
const deny = (AWS: string, Condition: Condition): TrustStatement => ({
  Effect: 'Deny',
  Principal: { AWS },
  Action: 'sts:AssumeRole',
  Condition,
})
const id = (operator: string, value: string | readonly string[]): Condition => ({
  [operator]: { 'sts:ExternalId': value },
})
const one = (
  name: string,
  isTaken: boolean,
  statements: (place: TrustPlace) => readonly TrustStatement[],
): TrustCase => ({
  name,
  isTaken,
  policy: (place) => ({ Version: '2012-10-17', Statement: statements(place) }),
})

/**
 * Trust policies as people write them (T18 of the safety design): right ones, ones that trust somebody else, and those that would make this server the
 * deputy of whoever learns the role's ARN.
 */
export const trustCases: readonly TrustCase[] = [
  one('as the documents ask', true, (p) => [allow(p.principal, id('StringEquals', p.externalId))]),
  one('with the account’s root as principal', true, (p) => [
    allow(`arn:aws:iam::${p.account}:root`, id('StringEquals', p.externalId)),
  ]),
  one('with the account’s number as principal', true, (p) => [allow(p.account, id('StringEquals', p.externalId))]),
  one('for everybody with the external id', true, (p) => [allow('*', id('StringEquals', p.externalId))]),
  one('for several principals', true, (p) => [
    allow(['arn:aws:iam::999999999999:user/other', p.principal], id('StringEquals', p.externalId)),
  ]),
  one('with one external id in a list', true, (p) => [allow(p.principal, id('StringEquals', [p.externalId]))]),
  one('with a pattern that has no wildcard', true, (p) => [allow(p.principal, id('StringLike', p.externalId))]),
  one('with two conditions', true, (p) => [
    allow(p.principal, { StringEquals: { 'sts:ExternalId': p.externalId, 'aws:PrincipalArn': p.principal } }),
  ]),
  one('with another action beside', true, (p) => [
    allow(p.principal, id('StringEquals', p.externalId), ['sts:TagSession', 'sts:AssumeRole']),
  ]),
  one('open for the principal but denied to every other external id', true, (p) => [
    allow(p.principal),
    deny('*', id('StringNotEquals', p.externalId)),
  ]),
  one('with another statement for somebody else, open', true, (p) => [
    allow('arn:aws:iam::999999999999:user/other'),
    allow(p.principal, id('StringEquals', p.externalId)),
  ]),
  one('with the name of the condition in other letters', true, (p) => [
    allow(p.principal, { StringEquals: { 'STS:externalId': p.externalId } }),
  ]),

  one('without any condition', false, (p) => [allow(p.principal)]),
  one('for everybody without any condition', false, () => [allow('*')]),
  one('for the account without any condition', false, (p) => [allow(`arn:aws:iam::${p.account}:root`)]),
  one('with any external id', false, (p) => [allow(p.principal, id('StringLike', '*'))]),
  one('with any external id that looks like ours', false, (p) => [
    allow(p.principal, id('StringLike', '????????-????-????-????-????????????')),
  ]),
  one('with the first half of ours and anything behind', false, (p) => [
    allow(p.principal, id('StringLike', `${p.externalId.slice(0, 18)}*`)),
  ]),
  one('with all but the last character of ours', false, (p) => [
    allow(p.principal, id('StringLike', `${p.externalId.slice(0, -1)}?`)),
  ]),
  one('with the condition only if there is an external id', false, (p) => [
    allow(p.principal, id('StringEqualsIfExists', p.externalId)),
  ]),
  one('with a condition that holds of nothing at all', false, (p) => [
    allow(p.principal, id('ForAllValues:StringEquals', p.externalId)),
  ]),
  one('with every external id but one', false, (p) => [allow(p.principal, id('StringNotEquals', p.otherId))]),
  one('with any external id as long as there is one', false, (p) => [
    allow(p.principal, { Null: { 'sts:ExternalId': 'false' } }),
  ]),
  one('with the right statement and an open one beside', false, (p) => [
    allow(p.principal, id('StringEquals', p.externalId)),
    allow(p.principal),
  ]),
  one('with the right statement and an open one for the account', false, (p) => [
    allow(p.principal, id('StringEquals', p.externalId)),
    allow(p.account),
  ]),
  one('with the right statement and one without an external id', false, (p) => [
    allow(p.principal, id('StringEquals', p.externalId)),
    allow(p.principal, { Null: { 'sts:ExternalId': 'true' } }),
  ]),
  one('with the external id in a condition of another name', false, (p) => [
    allow(p.principal, { StringEquals: { 'aws:PrincipalArn': p.principal } }),
  ]),
  one('with a wildcard action and no condition', false, (p) => [allow(p.principal, undefined, 'sts:*')]),
  one('with a deny that names the wrong one only', false, (p) => [
    allow(p.principal),
    deny('*', id('StringEquals', p.otherId)),
  ]),

  one('of another organization: only its external id', false, (p) => [
    allow(p.principal, id('StringEquals', p.otherId)),
  ]),
  one('that trusts another principal', false, (p) => [
    allow('arn:aws:iam::999999999999:user/other', id('StringEquals', p.externalId)),
  ]),
  one('that denies everybody', false, (p) => [
    allow(p.principal, id('StringEquals', p.externalId)),
    deny('*', id('StringLike', '*')),
  ]),
  one('that allows another action only', false, (p) => [
    allow(p.principal, id('StringEquals', p.externalId), 'sts:TagSession'),
  ]),
  one('without any statement', false, () => []),
]
