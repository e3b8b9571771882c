// Proves that a registry's lists are whole and in order however it gives them, and that lies and oversizes in lists and manifests are noticed.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf, type FakeRegistry, startFakeRegistry } from '#test/fakes/registry.ts'
import { eachOnFakeRegistry, failureOf, keysOf, kindOf } from '#test/support/fake-registry.ts'
import { createRegistryStorage } from './registry.ts'

let fake: FakeRegistry
const { addImage, open } = eachOnFakeRegistry((started) => {
  fake = started
})

describe('lists', () => {
  const name = fc.stringMatching(/^[a-z0-9]{1,3}([._-][a-z0-9]{1,2})?$/)
  const repository = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
  const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,3}$/)

  test('are whole and in the order of bytes, however names meet, at whatever page, prefix and place', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(repository, tag), { minLength: 1, maxLength: 12, selector: (pair) => pair.join('/') }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(),
        async (pairs, entriesMax, pageMax, pick) => {
          const own = await startFakeRegistry()
          own.pageMax = pageMax
          const keys: string[] = []
          for (const [at, tagged] of pairs) {
            const layer = { mediaType: 'application/x-tar', ...own.addBlob(at, `${at} ${tagged}`) }
            own.addManifest(at, tagged, { layers: [layer] })
            keys.push(`${at}/${tagged}/manifest.json`, `${at}/${tagged}/${layer.digest.replace(':', '-')}`)
          }
          keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
          const storage = createRegistryStorage({ origin: own.origin, account: null, repositories: [] })
          try {
            expect(await keysOf(storage)).toEqual(keys)
            expect(await keysOf(storage, { entriesMax })).toEqual(keys)
            const place = keys[pick % keys.length]!
            const behind = keys.slice((pick % keys.length) + 1)
            expect(await keysOf(storage, { after: Buffer.from(place), entriesMax })).toEqual(behind)
            const prefix = place.slice(0, pick % (place.length + 1))
            expect(await keysOf(storage, { prefix })).toEqual(keys.filter((key) => key.startsWith(prefix)))
          } finally {
            await storage.close()
            await own.close()
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  test('fold folders, and a new listing sees what is new', async () => {
    addImage('a', 'v')
    addImage('b/c', 'v')
    const storage = open()
    expect(await keysOf(storage, { delimiter: '/' })).toEqual(['a/', 'b/'])
    expect(await keysOf(storage, { prefix: 'b/', delimiter: '/' })).toEqual(['b/c/'])
    addImage('d', 'v')
    addImage('a', 'w')
    expect(await keysOf(storage, { delimiter: '/' })).toEqual(['a/', 'b/', 'd/'])
    expect(await keysOf(storage, { prefix: 'a/' })).toHaveLength(6)
    fake.untag('a', 'v')
    expect(await keysOf(storage, { prefix: 'a/' })).toHaveLength(3)
  })

  test('a page that goes on behind a key is as fresh as one that begins, for absence is confirmed by such', async () => {
    addImage('a', 'v')
    const storage = open()
    const after = Buffer.from('a/u')
    expect(await keysOf(storage, { after })).toHaveLength(3)
    fake.untag('a', 'v')
    expect(await keysOf(storage, { after })).toEqual([])
    addImage('a', 'w')
    addImage('b', 'v')
    expect(await keysOf(storage, { after })).toHaveLength(6)
  })

  test('where there is no catalog the named repositories count; without them it is said', async () => {
    fake.hasCatalog = false
    addImage('a/b', 'v')
    addImage('c', 'v')
    expect(await keysOf(open({ repositories: ['c'] }))).toHaveLength(3)
    const failure = await failureOf(keysOf(open()))
    expect([failure.kind, failure.message]).toEqual(['forbidden', expect.stringContaining('name them')])
    expect(await kindOf(keysOf(open({ repositories: ['c', 'nowhere'] })))).toBe('unknown-bucket')
  })

  test.each([
    ['another host', 'http://evil.example/v2/_catalog?last=a'],
    ['another path', '/v2/a/tags/list?last=a'],
    ['the same page', '/v2/_catalog?n=1000'],
    ['a page without anything new', '/v2/_catalog?n=1'],
  ])('do not go on at %s', async (_, next) => {
    addImage('a', 'v')
    fake.instead = ({ url }, response) => {
      if (!url.startsWith('/v2/_catalog')) return false
      response.writeHead(200, { link: `<${next}>; rel="next"` }).end('{"repositories":["a"]}')
      return true
    }
    expect(await kindOf(keysOf(open()))).toBe('invalid')
    expect(fake.seen.length).toBeLessThan(5)
  })

  test.each([
    ['an HTML page', '<html>CANARY</html>'],
    ['another document', '{"tags": "CANARY"}'],
    ['nothing', ''],
  ])('that are %s count as no list, so nothing is taken for gone', async (_, text) => {
    addImage('a', 'v')
    fake.instead = ({ url }, response) => {
      if (!url.startsWith('/v2/a/tags')) return false
      response.end(text)
      return true
    }
    expect(await kindOf(keysOf(open()))).toBe('invalid')
  })

  test('leave names out that can be no repository or tag', async () => {
    addImage('a', 'v')
    fake.instead = ({ url }, response) => {
      if (!url.startsWith('/v2/_catalog')) return false
      response.end(JSON.stringify({ repositories: ['a', '../x', 'A', 'a//b', 'x?y', ''] }))
      return true
    }
    expect(await keysOf(open())).toHaveLength(3)
    expect(fake.seen.filter(({ url }) => /x|A|\/\//.test(url))).toEqual([])
  })

  test('what an index names and the registry lacks is told as skipped, and so are layers on other hosts', async () => {
    const absent = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: digestOf(Buffer.from('x')),
      size: 1,
    }
    fake.addManifest('i', 'v', { manifests: [absent] }, 'application/vnd.oci.image.index.v1+json')
    const layer = {
      mediaType: 'application/x',
      digest: digestOf(Buffer.from('y')),
      size: 1,
      urls: ['http://169.254.169.254/'],
    }
    fake.addManifest('f', 'v', { layers: [layer] })
    const page = await open().list({ prefix: '' })
    expect(page.count).toBe(2)
    expect(page.skipped?.map(({ key, reason }) => [key.toString(), reason])).toEqual([
      [`f/v/${layer.digest.replace(':', '-')}`, 'foreign-layer'],
      [`i/v/${absent.digest.replace(':', '-')}.manifest.json`, 'artifact-incomplete'],
    ])
  })

  test('a repository that was denied fails the listing: silence is not absence', async () => {
    addImage('a', 'v')
    fake.instead = ({ url }, response) => {
      if (!url.startsWith('/v2/a/tags')) return false
      response.writeHead(403).end('{"errors":[{"code":"DENIED"}]}')
      return true
    }
    const { kind, message } = await failureOf(keysOf(open()))
    expect([kind, message]).toEqual(['forbidden', expect.stringContaining('lists a and denies it')])
  })
})

describe('manifests', () => {
  const spoil = (bytes: string, headers: Record<string, string> = {}) => {
    fake.instead = ({ url }, response) => {
      if (!url.includes('/manifests/')) return false
      response.writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json', ...headers }).end(bytes)
      return true
    }
  }

  test('of another digest than the registry says are not used', async () => {
    addImage('a', 'v')
    spoil('{}', { 'docker-content-digest': digestOf(Buffer.from('other')) })
    expect(await kindOf(keysOf(open()))).toBe('invalid')
  })

  test('that are too large are not used', async () => {
    addImage('a', 'v')
    spoil(JSON.stringify({ x: 'x'.repeat(5 * 1024 * 1024) }))
    expect(await kindOf(keysOf(open()))).toBe('invalid')
  })

  test.each([
    ['no JSON', 'nonsense'],
    ['a digest that is none', JSON.stringify({ layers: [{ digest: 'sha256:../../etc', size: 1 }] })],
    ['a negative size', JSON.stringify({ layers: [{ digest: digestOf(Buffer.from('')), size: -1 }] })],
    ['a size beyond numbers', '{"layers":[{"digest":"sha256:00","size":1e999}]}'],
    ['a layer that is null', '{"layers":[null]}'],
    ['layers that are no list', '{"layers":{}}'],
  ])('with %s are one file and lead to nothing', async (_, text) => {
    addImage('a', 'v')
    spoil(text)
    expect(await keysOf(open())).toEqual(['a/v/manifest.json'])
  })

  test('that lead in a circle, or too deep, come to an end', async () => {
    const index = 'application/vnd.oci.image.index.v1+json'
    let inner = { mediaType: index, digest: digestOf(Buffer.from('x')), size: 1 }
    for (let depth = 0; depth < 12; depth++)
      inner = fake.addManifest('deep', depth === 11 ? 'v' : null, { manifests: [inner] }, index)
    const keys = await keysOf(open())
    expect(keys.length).toBeLessThan(8)
  })

  test('that are named a thousand times are fetched once', async () => {
    const one = fake.addManifest('i', null, { layers: [] })
    const index = { manifests: Array.from({ length: 1000 }, () => one) }
    fake.addManifest('i', 'v', index, 'application/vnd.oci.image.index.v1+json')
    expect(await keysOf(open())).toHaveLength(2)
    expect(fake.seen.filter(({ url }) => url.includes('/manifests/'))).toHaveLength(2)
  })

  test('titles become names where they can, and nothing that leads elsewhere', async () => {
    const titles = [
      'cat.jpg',
      '../../x',
      'a/b',
      '.',
      '..',
      'manifest.json',
      'x.manifest.json',
      'a\u0000b',
      'é 50%',
      'cat.jpg',
      'x'.repeat(300),
      '',
    ]
    const layers = titles.map((title, i) => ({
      mediaType: 'application/octet-stream',
      ...fake.addBlob('t', `file ${i}`),
      annotations: { 'org.opencontainers.image.title': title },
    }))
    fake.addManifest('t', 'v', { layers })
    const keys = await keysOf(open())
    const named = keys.map((key) => key.slice(4)).filter((file) => !file.startsWith('sha256-'))
    expect(named.toSorted()).toEqual(['..%2F..%2Fx', 'a%2Fb', 'cat.jpg', 'manifest.json', 'é 50%25'].toSorted())
    expect(keys).toHaveLength(titles.length + 1)
  })
})
