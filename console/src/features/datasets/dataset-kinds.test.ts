// Proves what is said of a dataset in the list: whose storage it is in, how it is, and whether it can be merged.
import { expect, test } from 'vitest'
import { mergeProblem, providerOf, stateOf } from './dataset-kinds.ts'

test('the provider is that of the driver, and external where nobody told', () => {
  expect(providerOf({ driver: null }, undefined)).toBe('platform')
  expect(providerOf({ driver: 'd' }, undefined)).toBe('external')
  expect(providerOf({ driver: 'd' }, { type: 'azureDatalakeGen2' })).toBe('azure')
  expect(providerOf({ driver: 'd' }, { type: 'constructor' })).toBe('external')
})

test('a storage that cannot be reached is told before all else', () => {
  expect(stateOf({ isSyncing: true, readonly: true }, { state: 'disconnected' })).toBe('disconnected')
  expect(stateOf({ isSyncing: true, readonly: true }, { state: 'ready' })).toBe('syncing')
  expect(stateOf({ isSyncing: false, readonly: true }, undefined)).toBe('readonly')
  expect(stateOf({ isSyncing: false, readonly: false }, undefined)).toBe('ready')
})

test('datasets of one storage are merged, two at least', () => {
  expect(mergeProblem([{ driver: 'a' }])).toBe('too-few')
  expect(mergeProblem([{ driver: 'a' }, { driver: null }])).toBe('other-storage')
  expect(mergeProblem([{ driver: 'a' }, { driver: 'a' }])).toBeNull()
})
