// Proves through the API that no address a tenant gives makes this server connect to anything inside (T16): every entry point, with listeners that count.
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseEgressRules } from '#config/egress-rules.ts'
import { closeDrivers } from '#core/drivers/drivers.ts'
import { guardedEgress, type ResolveName } from '#storage/egress-guard.ts'
import { EgressPolicy } from '#storage/egress-policy.ts'
import { OwnServices } from '#storage/own-services.ts'
import type { Bucket } from '../../src/demo/bucket.ts'
import { type Answer, type TestApi, withApi } from '../support/api.ts'
import { addDriver, addIntegration, openBucket, sendDriver } from '../support/drivers.ts'
import { insideHosts } from '../support/ssrf-forms.ts'
import { addDataset, putFile } from '../support/uploads.ts'

const MARKER = 'the-secret-page-of-an-inner-service'

let api: TestApi
let bucket: Bucket
let canary: Server
let canaryPort: number
let canaryHits = 0
/** An allowed storage that answers everything with what a test says. */
let trickster: HttpServer
let tricksterUrl: string
let tricksterAnswer: { status: number; headers: Record<string, string>; body: string }
let projectId: string
let integrationId: string
/** What names resolve to; each look-up takes the next, and the last stays. */
let resolutions: string[][] = []

const resolve: ResolveName = async (name) => {
  if (name !== 'rebound.test') throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
  const addresses = resolutions.length > 1 ? resolutions.shift()! : resolutions[0]!
  return addresses.map((address) => ({ address, family: 4 }))
}

beforeAll(async () => {
  bucket = await openBucket()
  bucket.put('a.jpg', Buffer.from('a'), 'image/jpeg')
  canary = createServer((socket) => {
    canaryHits++
    socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${MARKER.length}\r\n\r\n${MARKER}`)
  })
  await new Promise<void>((done) => canary.listen(0, '127.0.0.1', done))
  canaryPort = (canary.address() as AddressInfo).port
  trickster = createHttpServer((request, response) => {
    request.resume()
    response.writeHead(tricksterAnswer.status, tricksterAnswer.headers).end(tricksterAnswer.body)
  })
  await new Promise<void>((done) => trickster.listen(0, '127.0.0.1', done))
  const tricksterPort = (trickster.address() as AddressInfo).port
  tricksterUrl = `http://127.0.0.1:${tricksterPort}`
  const allow = parseEgressRules(`127.0.0.1:${new URL(bucket.endpoint).port},127.0.0.1:${tricksterPort}`)
  const policy = new EgressPolicy({ allow, ports: [80, 443, canaryPort], isHttpAllowed: true }, new OwnServices())
  api = await withApi({ egress: guardedEgress({ policy, resolve }) })
  projectId = await api.addProject()
  integrationId = await addIntegration(api)
})
afterAll(async () => {
  await closeDrivers(api.deps)
  await Promise.all([api.close(), bucket.close()])
  canary.close()
  trickster.close()
})

/** What is inside, in every spelling, at the canary's port. */
const endpoints = () =>
  insideHosts
    .map((host, index) => `${index % 2 === 0 ? 'http' : 'https'}://${host}:${canaryPort}`)
    .filter((url) => URL.canParse(url))

/** Refused as a setting, or when the storage was tried; what it says holds nothing of an answer. */
function expectRefused(url: string, answer: Answer): void {
  const outcome = `${answer.status} ${answer.body?.code}`
  expect([url, outcome]).toEqual([
    url,
    expect.stringMatching(/^(400 driver\.invalid|424 storage\.address_denied|424 storage\.unreachable)$/),
  ])
  expect(answer.text).not.toContain(MARKER)
}

describe('the endpoint of a driver', () => {
  test('that is inside is refused in every spelling, when it is saved and when it is tried', async () => {
    expect(endpoints().length).toBeGreaterThan(650)
    for (const [index, endpoint] of endpoints().entries()) {
      const path = index % 2 === 0 ? '/drivers' : '/drivers/test'
      expectRefused(endpoint, await sendDriver(api, { projectId, integrationId, payload: { endpoint }, path }))
    }
    expect((await api.call(api.owner, 'GET', `/api/v1/drivers?projectId=${projectId}`)).body).toEqual([])
    expect(canaryHits).toBe(0)
  })

  test('that is inside is refused when a driver that works is changed, which then stays as it was', async () => {
    const id = await addDriver(api, { projectId, integrationId, bucket, more: { name: 'good' } })
    for (const endpoint of endpoints().filter((_, index) => index % 10 === 0)) {
      const json = { payload: { endpoint } }
      expectRefused(endpoint, await api.call(api.owner, 'PATCH', `/api/v1/drivers/${id}`, { json }))
    }
    expect((await api.call(api.owner, 'GET', `/api/v1/drivers/${id}`)).body.endpoint).toBe(bucket.endpoint)
    expect(canaryHits).toBe(0)
  })

  test('that was saved without being tried is not connected to later: by a test, a sync, a stream or an import', async () => {
    const payload = { endpoint: `http://127.0.0.1:${canaryPort}` }
    const id = await addDriver(api, {
      projectId,
      integrationId,
      payload,
      more: { name: 'untried' },
      path: '/drivers?validate=false',
    })
    const tried = await api.call(api.owner, 'GET', `/api/v1/drivers/${id}/test`)
    expect([tried.status, tried.body.code]).toEqual([424, 'storage.address_denied'])
    expect(tried.body.message).toContain('SLUICE_EGRESS_ALLOW')
    expect(tried.text).not.toContain('not a public address')
    expect(canaryHits).toBe(0)
  })

  test('with a user, a path, or another scheme is refused', async () => {
    for (const endpoint of [
      `http://user:word@127.0.0.1:${canaryPort}`,
      `http://a@b@127.0.0.1:${canaryPort}`,
      `http://example.com@127.0.0.1:${canaryPort}`,
      `http://127.0.0.1:${canaryPort}/path`,
      `http://127.0.0.1:${canaryPort}#@example.com`,
      `http://127.0.0.1:${canaryPort}?example.com`,
      `ftp://127.0.0.1:${canaryPort}`,
      'file:///etc/passwd',
      'gopher://127.0.0.1:6379/_INFO',
      'unix:///var/run/docker.sock',
      `//127.0.0.1:${canaryPort}`,
    ]) {
      const answer = await sendDriver(api, { projectId, integrationId, payload: { endpoint }, path: '/drivers/test' })
      expect([endpoint, answer.status, answer.body.code]).toEqual([endpoint, 400, 'driver.invalid'])
    }
    expect(canaryHits).toBe(0)
  })
})

describe('the endpoint for browsers', () => {
  test('that is inside is not fetched by the check: the driver works, and says that this server did not get there', async () => {
    let tried = 0
    for (const browserEndpoint of endpoints().filter((_, index) => index % 20 === 0)) {
      const parts = { projectId, integrationId, bucket, payload: { browserEndpoint }, more: { name: browserEndpoint } }
      const answer = await sendDriver(api, parts)
      if (answer.status === 400) continue
      expect([browserEndpoint, answer.status], answer.text).toEqual([browserEndpoint, 200])
      expect(answer.body.warnings.join()).toContain('This server cannot reach the browser endpoint')
      expect(answer.text).not.toContain(MARKER)
      tried++
    }
    expect(tried).toBeGreaterThan(20)
    expect(canaryHits).toBe(0)
  })
})

describe('a name', () => {
  test('that leads inside is refused, also when it did not before, and also as one of several addresses', async () => {
    const endpoint = `http://rebound.test:${new URL(bucket.endpoint).port}`
    const tryIt = () => sendDriver(api, { projectId, integrationId, payload: { endpoint }, path: '/drivers/test' })
    resolutions = [['127.0.0.1']]
    expect((await tryIt()).status).toBe(204)
    for (const turn of [[['127.0.0.1'], ['127.0.0.3']], [['127.0.0.1', '10.0.0.1']], [['169.254.169.254']]]) {
      resolutions = structuredClone(turn)
      const answer = await tryIt()
      expect([turn, answer.status, answer.body.code]).toEqual([
        turn,
        424,
        expect.stringMatching(/address_denied|check_failed/),
      ])
    }
    expect(canaryHits).toBe(0)
  })
})

describe('a link item', () => {
  test('is never fetched by this server, whatever it leads to: not when it is made, streamed, shown small or copied (LK-08)', async () => {
    const datasetId = await addDataset(api, projectId)
    for (const [index, ref] of endpoints()
      .filter((_, index) => index % 40 === 0)
      .entries()) {
      const linkInfo = { type: 'url', ref: `${ref}/x.jpg` }
      const bytes = JSON.stringify({ type: 'link', shebang: 'dataloop', metadata: { dltype: 'link', linkInfo } })
      const item = await putFile(api, datasetId, { path: `/${index}_link.json`, bytes })
      for (const view of ['', '/stream', '/thumbnail']) {
        const answer = await api.call(api.owner, 'GET', `/api/v1/items/${item.id}${view}`)
        expect(answer.text).not.toContain(MARKER)
      }
    }
    const clone = await api.call(api.owner, 'POST', `/api/v1/datasets/${datasetId}/clone`, { json: { name: 'copy' } })
    expect(clone.status, clone.text).toBeLessThan(400)
    expect(canaryHits).toBe(0)
  })
})

describe('an allowed storage', () => {
  const redirects = [301, 302, 303, 307, 308].map((status) => ({
    status,
    headers: () => ({ location: `http://127.0.0.1:${canaryPort}/latest/meta-data/` }),
  }))

  test('that redirects inside is not followed, by listings, reads, writes and signed addresses', async () => {
    for (const { status, headers } of redirects) {
      tricksterAnswer = { status, headers: headers(), body: '' }
      const answer = await sendDriver(api, {
        projectId,
        integrationId,
        payload: { endpoint: tricksterUrl },
        path: '/drivers/test',
      })
      expect([status, answer.status]).toEqual([status, 424])
      expect(answer.text).not.toContain(MARKER)
    }
    expect(canaryHits).toBe(0)
  })

  test('tells nothing of its answers in errors: neither body nor headers', async () => {
    const body = `<Error><Code>AccessDenied</Code><Message>${MARKER}</Message><HostId>${MARKER}</HostId></Error>`
    for (const [status, text] of [
      [403, body],
      [404, `<html>${MARKER}</html>`],
      [500, MARKER],
      [200, `<html>${MARKER}</html>`],
      [200, `<?xml version="1.0"?><ListBucketResult><Name>${MARKER}</Name></ListBucketResult>`],
    ] as const) {
      tricksterAnswer = { status, headers: { 'x-inner': MARKER, server: MARKER, 'content-type': MARKER }, body: text }
      const answer = await sendDriver(api, {
        projectId,
        integrationId,
        payload: { endpoint: tricksterUrl },
        path: '/drivers/test',
      })
      expect([text, answer.status]).toEqual([text, expect.toSatisfy((code) => code >= 400)])
      expect(answer.text).not.toContain(MARKER)
    }
    expect(api.logs()).not.toContain(MARKER)
  })
})
