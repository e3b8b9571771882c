// Proves that the state of trust is read from the API's own facts only, and that a trust policy is whole JSON.
import { expect, test } from 'vitest'
import { awsTrustPolicy, trustOf } from './trust.ts'

const metadata = [
  { name: 'userArn', value: 'arn:aws:iam::123456789012:role/sluice' },
  { name: 'externalId', value: 'e-1' },
  { name: 'status', value: 'waiting-for-trust' },
  { name: 'reason', value: 'why' },
]

test('a cross-account integration waits until its status says otherwise', () => {
  const trust = { principal: 'arn:aws:iam::123456789012:role/sluice', externalId: 'e-1', reason: 'why' }
  expect(trustOf({ type: 'aws-cross', metadata })).toEqual({ ...trust, isTrusted: false })
  const trusted = metadata.map((fact) => (fact.name === 'status' ? { ...fact, value: 'trust-established' } : fact))
  expect(trustOf({ type: 'aws-cross', metadata: trusted })?.isTrusted).toBe(true)
})

test('facts of the same names that somebody keeps beside another kind are no trust', () => {
  expect(trustOf({ type: 's3', metadata })).toBeNull()
})

test('the trust policy names the principal and wants the external id', () => {
  const [statement] = JSON.parse(awsTrustPolicy({ principal: 'arn:"x"', externalId: 'e-1' })).Statement
  expect(statement).toMatchObject({ Effect: 'Allow', Principal: { AWS: 'arn:"x"' }, Action: 'sts:AssumeRole' })
  expect(statement.Condition).toEqual({ StringEquals: { 'sts:ExternalId': 'e-1' } })
})
