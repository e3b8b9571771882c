// Proves which storages inside a fresh server connects to: those of its own machine while nobody else reaches it, and none once others do.
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { loopbackRules } from './egress-rules.ts'

const allowOf = (env: Record<string, string>) => readConfig(env).egress.allow

test('a server that only its own machine reaches may use the storages of that machine', () => {
  expect(allowOf({})).toEqual(loopbackRules)
  expect(allowOf({ SLUICE_HOST: 'localhost' })).toEqual(loopbackRules)
  expect(allowOf({ SLUICE_HOST: '::1' })).toEqual(loopbackRules)
  expect(allowOf({ SLUICE_PUBLIC_URL: 'http://localhost:8080' })).toEqual(loopbackRules)
})

test('a server that others reach uses nothing inside unless it is allowed', () => {
  expect(allowOf({ SLUICE_HOST: '0.0.0.0' })).toEqual([])
  expect(allowOf({ SLUICE_HOST: '::' })).toEqual([])
  expect(allowOf({ SLUICE_HOST: '10.0.0.4' })).toEqual([])
  expect(allowOf({ SLUICE_PUBLIC_URL: 'https://sluice.example.com' })).toEqual([])
  expect(allowOf({ SLUICE_EGRESS_ALLOW: 'none' })).toEqual([])
})

test('what the operator says replaces that, and a wrong entry is named', () => {
  expect(allowOf({ SLUICE_EGRESS_ALLOW: '10.1.0.0/16:9000,minio.lan' })).toEqual([
    { kind: 'net', address: '10.1.0.0', family: 'ipv4', prefix: 16, port: 9000 },
    { kind: 'name', name: 'minio.lan', port: null },
  ])
  expect(() => readConfig({ SLUICE_EGRESS_ALLOW: '10.1.0.0/99' })).toThrow(
    'SLUICE_EGRESS_ALLOW is wrong: “10.1.0.0/99”',
  )
})
