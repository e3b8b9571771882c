// Proves that what a driver type keeps is only its own and passes its check again, that the tables of drivers and integrations agree, and that what cannot
// be reached is never opened.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readConfig } from '#config/config.ts'
import type { DriverPayload } from '#contract/drivers.ts'
import { type FieldIssue, integrationTypes } from '#core/integrations/integrations.ts'
import { driverType, unsupported } from './types.ts'

const names = [
  's3',
  'gcs',
  'azureblob',
  'azureDatalakeGen2',
  'faasProxy',
  'powerscaleS3',
  'powerscaleNfs',
  'computeCluster',
  'local',
]

/** Those whose storage comes later. */
const later = ['faasProxy', 'powerscaleS3', 'powerscaleNfs', 'computeCluster']

const text = fc.oneof(
  fc.constantFrom(
    '',
    'photos',
    'a--b',
    'Photos',
    'gs://photos',
    'http://host:1',
    'eu-west-1',
    'a/b',
    '/mnt/x',
    '\u0000',
    'ü',
  ),
  fc.string({ maxLength: 20 }),
)
const fields = [
  'bucketName',
  'bucket',
  'containerName',
  'region',
  'path',
  'endpoint',
  'storageClass',
  'rootPath',
  'elasticIndex',
  'elasticIndexPath',
  'computeId',
  'computeStorageName',
]
const payload = fc.record(
  { ...Object.fromEntries(fields.map((name) => [name, fc.option(text)])), public: fc.boolean(), unknown: text },
  { requiredKeys: [] },
) as fc.Arbitrary<DriverPayload>

function check(type: string, given: DriverPayload) {
  const issues: FieldIssue[] = []
  return { config: driverType(type).check(given, issues), issues }
}

describe('whatever a payload holds', () => {
  it('what passes is kept as it is, has no field of another type, and passes again', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), payload, (type, given) => {
        const { config, issues } = check(type, given)
        expect(config).not.toHaveProperty('unknown')
        for (const value of Object.values(config)) expect(value).not.toBe('')
        if (issues.length > 0) return
        expect(check(type, config)).toEqual({ config, issues: [] })
        for (const [name, value] of Object.entries(config)) {
          if (['bucket', 'bucketName', 'containerName', 'path', 'elasticIndex', 'computeId'].includes(name))
            expect(value).toBe(given[name as keyof DriverPayload])
        }
      }),
    )
  })

  it('an issue names a field of the payload and says what is wanted', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), payload, (type, given) => {
        for (const { path, message } of check(type, given).issues) {
          expect(path).toMatch(/^payload\.[a-zA-Z]+$/)
          expect(message.length).toBeGreaterThan(10)
        }
      }),
    )
  })
})

describe('the tables', () => {
  it('of integrations and drivers say the same of what fits', () => {
    for (const name of names) {
      const fitting = integrationTypes.filter((type) => type.driverTypes.includes(name)).map((type) => type.type)
      expect([name, fitting.toSorted()]).toEqual([name, [...(driverType(name).integrationTypes ?? [])].toSorted()])
    }
  })

  it('open only what this version reaches', () => {
    const nothing = {
      settings: readConfig({}),
      credentials: null,
      integration: null,
      folder: '',
      allowDelete: false,
      known: null,
    }
    for (const name of names) {
      const type = driverType(name)
      for (const by of [null, ...(type.integrationTypes ?? [])]) {
        const isReached = !later.includes(name) && (by !== null || ['s3', 'local'].includes(name))
        expect([name, by, unsupported(type, by) === null]).toEqual([name, by, isReached])
      }
      if (type.opensWith.length > 0) continue
      expect(() => type.spec({}, nothing)).toThrowError(expect.objectContaining({ code: 'driver.not_supported' }))
    }
  })

  it('have each type once, and no other', () => {
    for (const name of ['nonsense', '__proto__', '', 'S3'])
      expect(() => driverType(name)).toThrowError(expect.objectContaining({ code: 'driver.invalid' }))
  })
})

describe('names of buckets and containers', () => {
  it.each([
    [
      'gcs',
      'bucket',
      ['abc', 'a.b-c_d', `${'a'.repeat(63)}.example.com`],
      ['ab', 'a..b', '-ab', 'aB', 'google-x', 'a'.repeat(64)],
    ],
    [
      'azureblob',
      'containerName',
      ['abc', 'a-b-c', '$root', '$web'],
      ['ab', 'a--b', '-ab', 'ab-', 'aB', 'a_b', 'a'.repeat(64)],
    ],
    ['faasProxy', 'bucket', ['abc', 'A_b.c'], ['a', 's3://abc', 'a/b']],
  ] as const)('of %s follow the provider’s rules', (type, field, right, wrong) => {
    for (const name of right) expect([name, check(type, { [field]: name }).issues]).toEqual([name, []])
    for (const name of wrong) expect([name, check(type, { [field]: name }).issues.length]).toEqual([name, 1])
  })
})
