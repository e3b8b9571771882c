// Proves how registries' names, hosts and challenges are read: keys can be taken apart again, nothing odd gets into an address, and passwords have one way to go.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseChallenges } from './challenge.ts'
import { isRealmAllowed, registryOrigin } from './hosts.ts'
import { addressOf, digestName, fileNameOf, isRepository, isTag, platformName } from './names.ts'

describe('servers', () => {
  test.each([
    ['docker.io', 'https://registry-1.docker.io'],
    ['https://index.docker.io/v1/', 'https://registry-1.docker.io'],
    ['europe-west3', 'https://europe-west3-docker.pkg.dev'],
    ['us', 'https://us-docker.pkg.dev'],
    ['eu.gcr.io', 'https://eu.gcr.io'],
    ['X.azurecr.io', 'https://x.azurecr.io'],
    ['registry.example.com:5000', 'https://registry.example.com:5000'],
    ['http://127.0.0.1:5000', 'http://127.0.0.1:5000'],
    ['https://registry.example.com/v2/', 'https://registry.example.com'],
    ['[::1]:5000', 'https://[::1]:5000'],
    ['registry', 'https://registry'],
  ])('%s answers at %s', (server, origin) => {
    expect(registryOrigin(server)).toBe(origin)
  })

  test.each([
    '',
    ' ',
    'a b',
    'ftp://x',
    'file:///etc/passwd',
    'user:pass@host',
    'https://u@host',
    'host/path',
    'host?x',
    'host#x',
    'host.',
    'host\\evil',
    'https://',
    'javascript:alert(1)',
  ])('“%s” is none', (server) => {
    expect(registryOrigin(server)).toBeNull()
  })
})

describe('token services', () => {
  const allows = (registry: string, realm: string, allowed: { registry: string; realm: string }[] = []) =>
    isRealmAllowed(new URL(registry), new URL(realm), allowed)

  test.each([
    ['https://registry-1.docker.io', 'https://auth.docker.io/token'],
    ['https://registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
    ['https://eu.gcr.io', 'https://eu.gcr.io/v2/token'],
    ['http://127.0.0.1:5000', 'http://127.0.0.1:5000/token'],
    ['http://127.0.0.1:5000', 'https://127.0.0.1:5000/token'],
  ])('%s may name %s', (registry, realm) => {
    expect(allows(registry, realm)).toBe(true)
  })

  test.each([
    ['https://registry-1.docker.io', 'http://auth.docker.io/token'],
    ['https://evil.example', 'https://auth.docker.io/token'],
    ['https://registry-1.docker.io', 'https://auth.docker.io.evil.example/token'],
    ['https://a.example', 'https://a.example:444/token'],
    ['https://a.example', 'https://b.a.example/token'],
    ['https://a.example', 'http://a.example/token'],
    ['https://a.example', 'https://x:y@a.example/token'],
  ])('%s may not name %s', (registry, realm) => {
    expect(allows(registry, realm)).toBe(false)
  })

  test('the operator allows pairs, not hosts', () => {
    const pair = [{ registry: 'a.example', realm: 'auth.example' }]
    expect(allows('https://a.example', 'https://auth.example/x', pair)).toBe(true)
    expect(allows('https://b.example', 'https://auth.example/x', pair)).toBe(false)
    expect(allows('https://a.example', 'http://auth.example/x', pair)).toBe(false)
  })
})

describe('challenges', () => {
  const read = (header: string) =>
    parseChallenges(header).map(({ scheme, params }) => [scheme, Object.fromEntries(params)])

  test.each([
    ['Basic realm="x"', [['basic', { realm: 'x' }]]],
    [
      'Bearer realm="https://a/b?c=d,e",service="s",scope="repository:a/b:pull,push"',
      [['bearer', { realm: 'https://a/b?c=d,e', service: 's', scope: 'repository:a/b:pull,push' }]],
    ],
    ['BEARER Realm = "a" , SERVICE=b', [['bearer', { realm: 'a', service: 'b' }]]],
    [
      'Negotiate, Basic realm="a\\"b", Bearer realm=c',
      [
        ['negotiate', {}],
        ['basic', { realm: 'a"b' }],
        ['bearer', { realm: 'c' }],
      ],
    ],
    ['Bearer realm="a",realm="b"', [['bearer', { realm: 'a' }]]],
    ['Bearer realm="unfinished', [['bearer', {}]]],
    ['"', []],
    ['', []],
    [`Bearer realm="${'x'.repeat(9000)}"`, []],
  ])('%s', (header, wanted) => {
    expect(read(header)).toEqual(wanted)
  })

  test('whatever comes is read to an end', () => {
    fc.assert(fc.property(fc.string({ maxLength: 500 }), (header) => void parseChallenges(header)))
    for (const part of [',', ' ', 'a ', 'a=', 'a="', '\\', '"\\']) parseChallenges(part.repeat(8192 / part.length))
  })
})

describe('keys', () => {
  const repository = fc.stringMatching(/^[a-z0-9]{1,4}(-[a-z0-9]{1,2})?(\/[a-z0-9]{1,3}){0,2}$/)
  const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,5}$/)
  const title = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })

  test('can be taken apart into what they were made of', () => {
    fc.assert(
      fc.property(repository, tag, title, (name, tagged, text) => {
        const file = fileNameOf(text)
        fc.pre(file !== null)
        expect(addressOf(`${name}/${tagged}/${file}`)).toEqual({ repository: name, tag: tagged, file })
        expect(file).not.toMatch(/[/\\]|^\.{1,2}$/)
        expect(file!.replaceAll('%2F', '/').replaceAll('%25', '%')).toBe(text)
      }),
    )
  })

  test.each([
    '',
    'a',
    'a/b',
    'a/b/',
    '/a/b',
    'A/b/c',
    'a//b/c',
    'a/-b/c',
    '../a/b',
    'a/../b',
    '.dataloop/x/y',
    'a/b c/d',
  ])('“%s” is none of a registry', (key) => {
    expect(addressOf(key)).toBeNull()
  })

  test('names of repositories and tags are those of the specification', () => {
    for (const good of ['a', 'a/b', 'a.b', 'a_b', 'a__b', 'a--b', '0/1/2'])
      expect([good, isRepository(good)]).toEqual([good, true])
    for (const bad of ['A', 'a..b', 'a___b', 'a/', '/a', 'a/.b', 'a_', 'ä', 'a?b', `${'a'.repeat(256)}`])
      expect([bad, isRepository(bad)]).toEqual([bad, false])
    for (const bad of ['', '.a', '-a', 'a/b', 'a:b', 'a'.repeat(129), '..'])
      expect([bad, isTag(bad)]).toEqual([bad, false])
  })

  test('what has no title is called by its digest, with an ending for what is inside', () => {
    const digest = `sha256:${'0'.repeat(64)}`
    const endings = [
      ['application/vnd.oci.image.layer.v1.tar+gzip', '.tar.gz'],
      ['application/vnd.docker.image.rootfs.diff.tar.gzip', '.tar.gz'],
      ['application/vnd.oci.image.layer.v1.tar+zstd', '.tar.zst'],
      ['application/vnd.oci.image.layer.v1.tar', '.tar'],
      ['application/vnd.oci.image.config.v1+json', '.json'],
      ['application/octet-stream', ''],
    ] as const
    for (const [type, ending] of endings) expect(digestName(digest, type)).toBe(`sha256-${'0'.repeat(64)}${ending}`)
  })

  test('platforms are names only where they say something', () => {
    expect(platformName({ os: 'linux', architecture: 'arm64', variant: 'v8' })).toBe('linux-arm64-v8')
    expect(platformName({ os: 'linux', architecture: 'amd64', variant: '' })).toBe('linux-amd64')
    for (const none of [
      null,
      'linux',
      {},
      { os: 'unknown', architecture: 'unknown' },
      { os: '../x', architecture: 'y' },
      { os: 1 },
    ])
      expect(platformName(none)).toBeNull()
  })
})
