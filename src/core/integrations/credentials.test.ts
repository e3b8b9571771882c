// Proves that typed credentials are checked field by field, and that no complaint repeats what was typed.
import { describe, expect, it } from 'vitest'
import { AppError } from '#lib/app-error.ts'
import { checkOptions, type Options, requireType } from './credentials.ts'
import type { FieldIssue } from './registry.ts'
import { integrationTypes } from './types.ts'

function issuesOf(options: Options): readonly FieldIssue[] {
  try {
    checkOptions(requireType('s3'), options, 'options')
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(AppError)
    expect((error as AppError).code).toBe('integration.invalid')
    return (error as AppError).details as FieldIssue[]
  }
}

describe('options of an access key', () => {
  it('are taken when both are there, with any characters a secret may have', () => {
    expect(issuesOf({ key: 'AKIA0', secret: 'a/b+c=é ü' })).toEqual([])
  })

  it.each([
    ['nothing', {}, ['options.key', 'options.secret']],
    ['an empty secret', { key: 'k', secret: '' }, ['options.secret']],
    ['null', { key: null, secret: 's' }, ['options.key']],
    ['a number', { key: 'k', secret: 7 }, ['options.secret']],
    ['an object', { key: 'k', secret: { canary: 'canary' } }, ['options.secret']],
    ['white space around', { key: ' k', secret: 's\n' }, ['options.key', 'options.secret']],
    ['a control character', { key: 'k', secret: 'cana\u0000ry' }, ['options.secret']],
    ['an endless text', { key: 'k', secret: 'canary'.repeat(20_000) }, ['options.secret']],
    ['an unknown field', { key: 'k', secret: 's', sessiontoken: 'canary' }, ['options.sessiontoken']],
    [
      'an inherited field only',
      Object.create({ key: 'k', secret: 'canary' }) as Options,
      ['options.key', 'options.secret'],
    ],
  ])('are refused with the field’s place: %s', (_name, options, paths) => {
    const issues = issuesOf(options)
    expect(issues.map((issue) => issue.path)).toEqual(paths)
    expect(JSON.stringify(issues)).not.toContain('canary')
  })
})

describe('kinds of integration', () => {
  it('have names of their own, and options with names of their own', () => {
    const names = integrationTypes.map((type) => type.type)
    expect(new Set(names).size).toBe(names.length)
    for (const type of integrationTypes) {
      expect(new Set(type.options.map((option) => option.name)).size).toBe(type.options.length)
    }
  })

  it.each(['nonsense', '__proto__', ''])('%j cannot be made', (type) => {
    expect(() => requireType(type)).toThrowError(expect.objectContaining({ code: 'integration.invalid' }))
  })
})
