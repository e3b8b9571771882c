// Proves that a registry's log-in becomes the docker configuration that the API checks, whatever letters a password has.
import { expect, test } from 'vitest'
import { awsRegistryOptions, dockerOptions } from './registry-options.ts'

const decode = (text: string) => new TextDecoder().decode(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)))

test('any registry: a docker configuration with user and password once more', () => {
  const password = 'pä:ss"wörd😀'
  const { name, spec } = dockerOptions({ server: 'ghcr.io', username: 'me', password })
  expect(name).toBe('_json_key')
  const { auths } = JSON.parse(decode(spec.password))
  expect(auths['ghcr.io']).toMatchObject({ username: 'me', password })
  expect(decode(auths['ghcr.io'].auth)).toBe(`me:${password}`)
})

test('Amazon’s registry: its four fields by their names', () => {
  const typed = { accessKeyId: 'AKIA', secretAccessKey: 's', account: '123456789012', region: 'eu-central-1' }
  expect(awsRegistryOptions(typed)).toEqual({ name: 'AWS', spec: typed })
})
