// Proves that the registry driver does what a read-only storage must, with lists in pages of two names and a token for each repository.
import { Secret } from '#lib/secret.ts'
import { createRegistryStorage } from '#storage/registry/registry.ts'
import { startFakeRegistry } from '../fakes/registry.ts'
import { type KnownFile, readOnlyConformance } from './read-only.suite.ts'

readOnlyConformance('registry in pages, with tokens', async () => {
  const fake = await startFakeRegistry()
  fake.pageMax = 2
  fake.accepted = new Set(['Bearer T'])
  fake.challenge = `Bearer realm="${fake.origin}/token",service="s"`
  fake.instead = (request, response) => {
    if (!request.url.startsWith('/token')) return false
    response.end('{"token":"T"}')
    return true
  }
  const files: KnownFile[] = []
  for (const repository of ['a', 'a/b', 'a-b', 'b/c/d']) {
    for (const tag of ['b', 'latest', '_x.Y-1']) {
      const [key, contentType] = [`${repository}/${tag}/`, 'text/plain']
      const bytes = Buffer.from(`file of ${repository}:${tag}`)
      const blob = fake.addBlob(repository, bytes)
      const annotations = { 'org.opencontainers.image.title': 'é.txt' }
      const text = JSON.stringify({ schemaVersion: 2, layers: [{ mediaType: contentType, ...blob, annotations }] })
      const manifest = fake.addManifest(repository, tag, text)
      files.push({ key: `${key}é.txt`, etag: blob.digest, bytes, contentType })
      files.push({
        key: `${key}manifest.json`,
        etag: manifest.digest,
        bytes: Buffer.from(text),
        contentType: manifest.mediaType,
      })
    }
  }
  const account = { kind: 'password', username: 'u', password: new Secret('p') } as const
  const storage = createRegistryStorage({ origin: fake.origin, account, repositories: [] })
  return {
    storage,
    files,
    async close() {
      await storage.close()
      await fake.close()
    },
  }
})
