// Judges trust policies of IAM roles as AWS's documents describe it, as far as sts:AssumeRole by a user or role goes; for the fake STS.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

/** A trust policy as people write it. */
export interface TrustPolicy {
  readonly Version?: string
  readonly Statement: readonly TrustStatement[]
}

/** One statement of it. */
export interface TrustStatement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal: '*' | { readonly AWS: string | readonly string[] }
  readonly Action: string | readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

/** Who asks, and with what. */
export interface TrustQuestion {
  readonly principalArn: string
  readonly externalId: string | undefined
}

/** Whether a policy lets somebody assume the role: some statement allows it and none denies it. */
export function isTrusted(policy: TrustPolicy, question: TrustQuestion): boolean {
  const fitting = policy.Statement.filter((statement) => fits(statement, question))
  return fitting.some(({ Effect }) => Effect === 'Allow') && !fitting.some(({ Effect }) => Effect === 'Deny')
}

const list = (value: string | readonly string[]) => (typeof value === 'string' ? [value] : value)

function fits({ Principal, Action, Condition = {} }: TrustStatement, question: TrustQuestion): boolean {
  const isActed = list(Action).some((action) => like(action.toLowerCase(), 'sts:assumerole'))
  if (!isActed || !isNamed(Principal, question.principalArn)) return false
  return Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) => holds(operator, list(values), contextOf(key, question))),
  )
}

function isNamed(principal: TrustStatement['Principal'], arn: string): boolean {
  if (principal === '*') return true
  const account = arn.split(':')[4]
  return list(principal.AWS).some(
    (named) => named === '*' || named === arn || named === account || named === `arn:aws:iam::${account}:root`,
  )
}

function contextOf(key: string, { principalArn, externalId }: TrustQuestion): string | undefined {
  if (key.toLowerCase() === 'sts:externalid') return externalId
  return key.toLowerCase() === 'aws:principalarn' ? principalArn : undefined
}

function holds(operator: string, wanted: readonly string[], value: string | undefined): boolean {
  if (operator === 'Null') return wanted.some((one) => (one === 'true') === (value === undefined))
  const name = operator.replace(/IfExists$/, '').replace(/^For(Any|All)Values?:/, '')
  // What is not there fits the negated operators and those that are asked only if it is; ForAllValues holds of nothing at all.
  if (value === undefined) return /IfExists$|^ForAllValues:/.test(operator) || /Not/.test(name)
  const tests: Record<string, (one: string) => boolean> = {
    stringequals: (one) => one === value,
    stringnotequals: (one) => one === value,
    stringequalsignorecase: (one) => one.toLowerCase() === value.toLowerCase(),
    stringlike: (one) => like(one, value),
    stringnotlike: (one) => like(one, value),
    arnequals: (one) => like(one, value),
    arnlike: (one) => like(one, value),
  }
  const test = tests[name.toLowerCase()]
  if (test === undefined) throw new Error(`the fake does not know the operator ${operator}`)
  const isAny = wanted.some(test)
  return name.includes('Not') ? !isAny : isAny
}

function like(pattern: string, value: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(value)
}
