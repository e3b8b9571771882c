// Proves that the vendor's unmodified SDK connects a real registry, with a token service the operator allowed, and reads from the running server what was pushed.
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  missingForRegistry,
  type Registry,
  registryPackages,
  registryUser,
  startRegistry,
} from '../emulators/registry.ts'
import { runPython } from '../sdk/python.ts'
import { type ExpectedFile, pushFiles, pushImage } from '../support/artifacts.ts'
import { makeDataDir, type ServerProcess, startServerProcess } from '../support/server.ts'

const missing = await missingForRegistry()
if (missing.length > 0) {
  console.warn(`LEFT OUT: the SDK with a registry; no ${missing.join(', ')}. Install ${registryPackages}.`)
}

const owner = { email: 'sdk@example.com', password: 'correct horse battery' }

describe.skipIf(missing.length > 0)('the SDK', () => {
  let registry: Registry
  let server: ServerProcess
  let data: Awaited<ReturnType<typeof makeDataDir>>
  let files: ExpectedFile[]

  beforeAll(async () => {
    registry = await startRegistry({ auth: 'token' })
    files = [
      ...(await pushImage(registry, 'team/app', 'v1', 'one')).files,
      ...(await pushFiles(registry, 'photos', '2026', { 'cat.jpg': 'miau', 'dog.jpg': 'wuff' })),
    ]
    data = await makeDataDir()
    server = await startServerProcess({
      SLUICE_DATA_DIR: data.path,
      SLUICE_OWNER_EMAIL: owner.email,
      SLUICE_OWNER_PASSWORD: owner.password,
      SLUICE_ORG_NAME: 'SDK',
      SLUICE_REGISTRY_REALMS: `${new URL(registry.origin).host}=${registry.realmHost}`,
    })
  }, 120_000)
  afterAll(async () => {
    await server?.stop()
    await registry?.stop()
    await data?.remove()
  })

  test('connects, syncs, lists and downloads', async () => {
    const [task, outcome] = [join(data.path, 'task.json'), join(data.path, 'outcome.json')]
    const registryFacts = { ...registryUser, origin: registry.origin }
    await writeFile(
      task,
      JSON.stringify({ server: server.url, ...owner, registry: registryFacts, one: '/photos/2026/cat.jpg' }),
    )
    await runPython([fileURLToPath(new URL('registry-sdk.py', import.meta.url)), task, outcome], data.path)
    const said = JSON.parse(await readFile(outcome, 'utf8'))
    expect(said.refused).toContain('does not accept user and password')
    expect(said.synced).toBe(true)
    const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    expect(said.items).toEqual(Object.fromEntries(files.map(({ key, bytes }) => [`/${key}`, sha256(bytes)])))
    const ofTag = files.filter(({ key }) => key.startsWith('team/app/v1/')).map(({ key }) => key.slice(11))
    expect(said.narrow).toEqual(ofTag.toSorted())
    expect(said.facts).toMatchObject({
      user: { seen: true },
      system: { artifact: { mediaType: 'image/jpeg', size: 4 }, mimetype: 'image/jpeg' },
    })
    expect(said.upload).toContain('read')
    expect(server.output()).not.toContain(registryUser.password)
  }, 240_000)
})
