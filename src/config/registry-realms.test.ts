// Proves that the operator's list of token services takes pairs of hosts, and names the entry that is none.
import { expect, test } from 'vitest'
import { parseRegistryRealms } from './registry-realms.ts'

test('pairs of hosts, with ports or without, in small letters', () => {
  expect(parseRegistryRealms('')).toEqual([])
  expect(parseRegistryRealms(' Registry.example.com=gitlab.example.com , 127.0.0.1:5000=[::1]:5001,')).toEqual([
    { registry: 'registry.example.com', realm: 'gitlab.example.com' },
    { registry: '127.0.0.1:5000', realm: '[::1]:5001' },
  ])
})

test.each(['a', 'a=', '=b', 'a=b=c', 'https://a=b', 'a=b/c', 'a b=c', 'a=*'])('“%s” is refused by name', (entry) => {
  expect(() => parseRegistryRealms(`good=fine,${entry}`)).toThrowError(`“${entry}” is no pair of hosts`)
})
