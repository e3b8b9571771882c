// Proves that whatever a text holds, Terraform reads it as that text: quotes do not end it and template signs evaluate nothing.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Expression, hcl, hclBlock, jsonencode } from './terraform.ts'

/** Reads a quoted HCL text as the language's page says; throws for what would be a template or is no text. Checked by hand against Terraform 1.11. */
function read(quoted: string): string {
  const inside = /^"((?:[^"\\\n]|\\.)*)"$/s.exec(quoted)?.[1]
  if (inside === undefined) throw new Error(`no text: ${quoted}`)
  return inside.replace(/\\u([0-9a-f]{4})|\\([\s\S])|([$%])\3(?=\{)|[$%]\{/g, (all, code, letter, sign) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
    if (sign !== undefined) return sign
    const character = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' }[letter as string]
    if (character === undefined) throw new Error(`evaluated or unknown: ${all}`)
    return character
  })
}

test('any text comes back as it was', () => {
  const unit = fc.constantFrom(
    '$',
    '%',
    '{',
    '}',
    '"',
    '\\',
    '\n',
    '\r',
    '\t',
    '\b',
    '\f',
    'b',
    'f',
    'u',
    'é',
    '😀',
    ' ',
  )
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit }), fc.string()), (text) => {
      expect(read(hcl(text))).toBe(text)
    }),
  )
})

test('documents keep their references, and what users typed stays a text', () => {
  const name = `x\${file("/etc/passwd")}`
  const document = jsonencode({ Principal: { AWS: new Expression('aws_iam_user.sluice.arn') }, Resource: [name] })
  expect(
    hclBlock('resource "aws_iam_role" "sluice"', { attributes: { policy: document } }),
  ).toBe(`resource "aws_iam_role" "sluice" {
  policy = jsonencode({
    "Principal" = {
      "AWS" = aws_iam_user.sluice.arn
    }
    "Resource" = [
      "x$\${file(\\"/etc/passwd\\")}",
    ]
  })
}`)
})
