// Proves that the command line writes the same policies as the API, one document or all, and says what it was asked wrongly.
import { expect, test } from 'vitest'
import { type PolicyOptions, writePolicies } from './policy.ts'

const options: PolicyOptions = { type: 's3', bucket: 'photos', folder: 'in', origin: 'https://sluice.example' }

test('all documents, one of them, or Terraform', () => {
  const all = JSON.parse(writePolicies(options).text)
  expect(all.map((one: { name: string }) => one.name)).toEqual(['user-policy', 'cors', 'lifecycle'])
  const { text, notes } = writePolicies({ ...options, document: 'user-policy', delete: true })
  expect(JSON.parse(text).Statement[1].Action).toEqual(['s3:GetObject', 's3:PutObject', 's3:DeleteObject'])
  expect(notes.join(' ')).toContain('“in/”')
  expect(writePolicies({ ...options, terraform: true }).text).toMatch(/^resource "aws_iam_user" "sluice" \{/)
})

test.each([
  ['gcs', 'photos', 'custom-role'],
  ['azureblob', 'photos', 'role-definition'],
  ['azureDatalakeGen2', 'photos', 'role-definition'],
])('of %s, whose bucket has another name in drivers', (type, bucket, name) => {
  const { text } = writePolicies({ ...options, type, bucket })
  expect(JSON.parse(text).map((one: { name: string }) => one.name)).toContain(name)
})

test('what is asked wrongly is said', () => {
  expect(() => writePolicies({ ...options, bucket: 's3://photos' })).toThrow('Give the bucket’s name only')
  expect(() => writePolicies({ ...options, type: 'ftp' })).toThrow('There is no such type')
  expect(() => writePolicies({ ...options, login: 'gcs' })).toThrow('Drivers of the type s3 take')
  expect(() => writePolicies({ ...options, document: 'trust-policy' })).toThrow(
    'there are: user-policy, cors, lifecycle',
  )
})
