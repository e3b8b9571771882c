/** A value of a Terraform file: what JSON has, and expressions. */
export type HclValue =
  | string
  | number
  | boolean
  | Expression
  | readonly HclValue[]
  | { readonly [name: string]: HclValue }

/** Text that Terraform is to evaluate; never made of what a user typed. */
export class Expression {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What stands in a block: attributes, and blocks inside it. */
export interface BlockBody {
  readonly attributes: Readonly<Record<string, HclValue>>
  readonly blocks?: readonly (readonly [name: string, body: BlockBody])[]
}

/** Writes a value as Terraform reads it. Texts are quoted so that nothing in them is evaluated; for the generated documents of the providers. */
export function hcl(value: HclValue, indent = ''): string {
  if (value instanceof Expression) return value.text
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object') return String(value)
  const deeper = `${indent}  `
  if (isList(value)) {
    if (value.length === 0) return '[]'
    return `[\n${value.map((one) => `${deeper}${hcl(one, deeper)},`).join('\n')}\n${indent}]`
  }
  const members = Object.entries(value).map(([name, one]) => `${deeper}${quoted(name)} = ${hcl(one, deeper)}`)
  return members.length === 0 ? '{}' : `{\n${members.join('\n')}\n${indent}}`
}

/** Writes a block, such as `resource "aws_iam_policy" "sluice" { … }`; its labels are ours, not a user's. */
export function hclBlock(labels: string, body: BlockBody, indent = ''): string {
  const deeper = `${indent}  `
  const attributes = Object.entries(body.attributes).map(([name, value]) => `${deeper}${name} = ${hcl(value, deeper)}`)
  const blocks = (body.blocks ?? []).map(([name, inner]) => hclBlock(name, inner, deeper))
  return `${indent}${labels} {\n${[...attributes, ...blocks].join('\n')}\n${indent}}`
}

/** A JSON document as an expression: `jsonencode(…)`, so that references inside it stay references. */
export function jsonencode(value: HclValue): Expression {
  return new Expression(`jsonencode(${hcl(value, '  ')})`)
}

function isList(value: object): value is readonly HclValue[] {
  return Array.isArray(value)
}

/** JSON's escapes are HCL's but for `\/`, `\b` and `\f`; `${` and `%{` begin templates, which doubling their sign ends. Source: https://developer.hashicorp.com/terraform/language/expressions/strings */
function quoted(text: string): string {
  const escaped = JSON.stringify(text)
    .replace(/\\b/g, (_all, at: number, whole: string) => (isEscaped(whole, at) ? '\\b' : '\\u0008'))
    .replace(/\\f/g, (_all, at: number, whole: string) => (isEscaped(whole, at) ? '\\f' : '\\u000c'))
  return escaped.replace(/[$%](?=\{)/g, '$&$&')
}

/** Whether the backslash at this place is itself the second of a pair. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  for (let i = at - 1; text[i] === '\\'; i--) backslashes++
  return backslashes % 2 === 1
}
