// What tests of the registry driver on the fake have in common: an image, a listing, a failure that tells no secret.
import { expect } from 'vitest'
import type { ListQuery, Storage } from '#storage/port.ts'
import { StorageError, type StorageErrorKind } from '#storage/storage-error.ts'
import type { FakeRegistry } from '../fakes/registry.ts'

/** An image of one layer; answers the layer's digest and key. */
export function addImage(
  fake: FakeRegistry,
  repository: string,
  tag: string,
  content = 'layer',
): { digest: string; key: string } {
  const config = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    ...fake.addBlob(repository, `{"of":"${content}"}`),
  }
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', ...fake.addBlob(repository, content) }
  fake.addManifest(repository, tag, { schemaVersion: 2, config, layers: [layer] })
  return { digest: layer.digest, key: `${repository}/${tag}/${layer.digest.replace(':', '-')}.tar` }
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
