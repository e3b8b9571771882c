// What tests of the registry driver on the fake have in common: a registry for each, a listing, a failure that tells no secret.
import { afterEach, beforeEach, expect } from 'vitest'
import { Secret } from '#lib/secret.ts'
import type { ListQuery, Storage } from '#storage/port.ts'
import { createRegistryStorage, type RegistryOptions } from '#storage/registry/registry.ts'
import { StorageError, type StorageErrorKind } from '#storage/storage-error.ts'
import { type FakeRegistry, startFakeRegistry } from '../fakes/registry.ts'

/** Whom storages of these tests log in as. */
export const account = { kind: 'password', username: 'u', password: new Secret('CANARY-pass') } as const
/** The same as an `Authorization` header. */
export const basic = `Basic ${Buffer.from('u:CANARY-pass').toString('base64')}`

/** What a test does on its fake registry. */
export interface OnFakeRegistry {
  /** Adds an image of one layer; answers the layer's digest and key. */
  addImage(repository: string, tag: string, content?: string): { digest: string; key: string }
  /** Opens the registry as a storage. */
  open(more?: Partial<RegistryOptions>): Storage
}

/** Gives each test of a file a fake registry of its own, through `use` before it begins, and closes that and what was opened on it. */
export function eachOnFakeRegistry(use: (fake: FakeRegistry) => void): OnFakeRegistry {
  let fake: FakeRegistry
  let opened: Storage[]
  beforeEach(async () => {
    fake = await startFakeRegistry()
    opened = []
    use(fake)
  })
  afterEach(async () => {
    for (const storage of opened) await storage.close()
    await fake.close()
  })
  return {
    addImage: (repository, tag, content = 'layer') => {
      const config = {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        ...fake.addBlob(repository, `{"of":"${content}"}`),
      }
      const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', ...fake.addBlob(repository, content) }
      fake.addManifest(repository, tag, { schemaVersion: 2, config, layers: [layer] })
      return { digest: layer.digest, key: `${repository}/${tag}/${layer.digest.replace(':', '-')}.tar` }
    },
    open: (more = {}) => {
      const storage = createRegistryStorage({ origin: fake.origin, account, repositories: [], ...more })
      opened.push(storage)
      return storage
    },
  }
}

/** What a call fails with; nothing of it may hold a CANARY. */
export async function failureOf(work: Promise<unknown>): Promise<StorageError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(StorageError)
  const failure = error as StorageError
  expect(`${failure.message} ${JSON.stringify(failure.facts)}`).not.toMatch(/CANARY/)
  return failure
}

/** The kind of that. */
export async function kindOf(work: Promise<unknown>): Promise<StorageErrorKind> {
  return (await failureOf(work)).kind
}

/** All keys and folded folders of a listing, page by page. */
export async function keysOf(storage: Storage, query: Partial<ListQuery> = {}): Promise<string[]> {
  const keys: string[] = []
  let token: string | undefined
  do {
    const page = await storage.list({ prefix: '', ...query, token })
    while (page.entries.next()) {
      keys.push(page.entries.keyBytes.toString('utf8', page.entries.keyStart, page.entries.keyEnd))
    }
    keys.push(...page.prefixes.map(String))
    token = page.token
    page.release()
  } while (token !== undefined)
  return keys
}
