// Proves that no credential document leads this server anywhere, runs or reads anything, or is echoed, and that none makes it use an identity of its own (T17).
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readConfig } from '#config/config.ts'
import { closeDrivers } from '#core/drivers/drivers.ts'
import { guardedEgress } from '#storage/egress-guard.ts'
import { EgressPolicy } from '#storage/egress-policy.ts'
import { OwnServices } from '#storage/own-services.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { plaintextHits } from '../support/canaries.ts'
import { ATTACKER, type HostileDocument, hostileDocuments, MARKER } from '../support/hostile-documents.ts'

/** Hosts of the providers, where credentials may be tried. */
const providers =
  /(^|\.)(googleapis\.com|microsoftonline\.com|blob\.core\.windows\.net|amazonaws\.com|docker\.io|pkg\.dev)$/

/** What a file that is not to be read has in it. */
const OUTSIDE = 'OUTSIDE-MARKER-1188'
/** What this machine is by itself, which no tenant may be. */
const AMBIENT = 'AMBIENT-MARKER-4410'

let api: TestApi
let canary: Server
let canaryHits = 0
let canaryUrl: string
let folder: string
let projectId: string
const resolved = new Set<string>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-documents-'))
  await writeFile(join(folder, 'file'), OUTSIDE)
  await writeFile(join(folder, 'program'), `#!/bin/sh\ntouch ${join(folder, 'file')}-run\necho '${OUTSIDE}'\n`)
  await chmod(join(folder, 'program'), 0o755)
  canary = createServer((socket) => {
    canaryHits++
    socket.destroy()
  })
  await new Promise<void>((done) => canary.listen(0, '127.0.0.1', done))
  canaryUrl = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`
  const ambient = {
    AWS_ACCESS_KEY_ID: AMBIENT,
    AWS_SECRET_ACCESS_KEY: AMBIENT,
    AWS_SESSION_TOKEN: AMBIENT,
    AWS_PROFILE: 'default',
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'file'),
    AWS_CONFIG_FILE: join(folder, 'file'),
    AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/ambient',
    AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'file'),
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${canaryUrl}/ecs`,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: canaryUrl,
    AWS_ENDPOINT_URL: canaryUrl,
    AWS_ENDPOINT_URL_S3: canaryUrl,
    GOOGLE_APPLICATION_CREDENTIALS: join(folder, 'file'),
    GCE_METADATA_HOST: new URL(canaryUrl).host,
    AZURE_CLIENT_ID: AMBIENT,
    AZURE_TENANT_ID: AMBIENT,
    AZURE_CLIENT_SECRET: AMBIENT,
    AZURE_FEDERATED_TOKEN_FILE: join(folder, 'file'),
    AZURE_AUTHORITY_HOST: canaryUrl,
    IDENTITY_ENDPOINT: `${canaryUrl}/identity`,
    MSI_ENDPOINT: `${canaryUrl}/msi`,
    HTTP_PROXY: canaryUrl,
    HTTPS_PROXY: canaryUrl,
  }
  for (const [name, value] of Object.entries(ambient)) vi.stubEnv(name, value)
  const policy = new EgressPolicy({ allow: [], ports: [80, 443], isHttpAllowed: true }, new OwnServices())
  // Nobody is found: what counts is who was looked for.
  const resolve = async (name: string) => {
    resolved.add(name)
    throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
  }
  api = await withApi({ config: readConfig({ SLUICE_DATA_DIR: folder }), egress: guardedEgress({ policy, resolve }) })
  projectId = await api.addProject()
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await closeDrivers(api.deps)
  await api.close()
  canary.close()
  await rm(folder, { recursive: true })
})

const payloads: Readonly<Record<string, { type: string; payload: Record<string, unknown> }>> = {
  s3: { type: 's3', payload: { bucketName: 'photos', region: 'us-east-1' } },
  'aws-sts': { type: 's3', payload: { bucketName: 'photos', region: 'us-east-1' } },
  gcs: { type: 'gcs', payload: { bucket: 'photos' } },
  'gcp-workload-identity-federation': { type: 'gcs', payload: { bucket: 'photos' } },
  'private-registry': { type: 'registry', payload: { server: 'registry.example.com', repositories: 'a' } },
}
const azurePayload = { type: 'azureblob', payload: { containerName: 'photos' } }

async function tryDriver(document: HostileDocument, integrationId: string) {
  const { type, payload } = payloads[document.type] ?? azurePayload
  const servers =
    document.type === 'private-registry'
      ? ['registry.example.com', new URL(canaryUrl).host, '169.254.169.254']
      : [undefined]
  const answers = []
  for (const server of servers) {
    const json = {
      name: 'd',
      type,
      integrationId,
      metadata: { system: { projectId } },
      payload: { ...payload, path: '', ...(server === undefined ? {} : { server }) },
    }
    answers.push(await api.call(api.owner, 'POST', '/api/v1/drivers/test', { json }))
  }
  return answers
}

describe('hostile credential documents', () => {
  test('are refused, or kept sealed without effect, and nothing of them is ever told', async () => {
    const documents = hostileDocuments(canaryUrl, join(folder, 'file'), join(folder, 'program'))
    expect(documents.length).toBeGreaterThanOrEqual(180)
    const wrong: unknown[] = []
    let taken = 0
    for (const document of documents) {
      const { name, type, options, isRefused } = document
      const json = { name: 'i', type, options }
      const made = await api.call(api.owner, 'POST', `/api/v1/orgs/${api.orgId}/integrations`, { json })
      const isTaken = made.status === 200
      const isExplained = isTaken || (made.status === 400 && made.body.message.length > 20)
      if (!isExplained || (isTaken && isRefused) || made.text.includes(MARKER))
        wrong.push([name, made.status, made.text])
      if (!isTaken) continue
      taken++
      for (const tried of await tryDriver(document, made.body.id)) {
        if (tried.status < 400 || tried.status === 500 || tried.text.includes(MARKER))
          wrong.push([name, tried.status, tried.text])
      }
    }
    expect(wrong).toEqual([])
    process.stdout.write(`${documents.length} documents, ${taken} kept sealed, looked for ${[...resolved].join(' ')}\n`)
    expect(taken).toBeGreaterThan(30)
  }, 120_000)

  test('made nobody but the providers be looked for, and nobody inside be connected to', () => {
    expect(resolved.size).toBeGreaterThan(1)
    expect([...resolved].filter((host) => !providers.test(host) || host.includes(ATTACKER))).toEqual([])
    expect(canaryHits).toBe(0)
  })

  test('ran no program and read no file', async () => {
    expect(existsSync(`${join(folder, 'file')}-run`)).toBe(false)
    expect(await plaintextHits(api, [OUTSIDE])).toEqual([])
  })

  test('left nothing readable in the database or the log', async () => {
    expect(await plaintextHits(api, [MARKER, AMBIENT])).toEqual([])
  })
})
