// Proves that the server sends the console's files and pages, and that no address of the API is taken for one.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, withApi } from '#test/support/api.ts'
import { buildHttp } from '../../src/http/app.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-console-'))
let api: TestApi
let app: ReturnType<typeof buildHttp>
beforeAll(async () => {
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Sluice</title>')
  writeFileSync(join(folder, 'assets', 'main-1a2b.js'), 'console.log(1)')
  api = await withApi()
  app = buildHttp(api.deps, undefined, folder)
})
afterAll(async () => {
  await app.close()
  await api.close()
  rmSync(folder, { recursive: true })
})

const browse = (url: string, headers: Record<string, string> = {}) =>
  app.inject({ url, headers: { accept: 'text/html,application/xhtml+xml', ...headers } })

test('every page of the console is its one document, fresh each time', async () => {
  for (const url of ['/', '/log-in', '/setup', '/projects/0123/datasets', '/items/0123?folder=%2Fa']) {
    const answer = await browse(url)
    expect([url, answer.statusCode, answer.headers['cache-control']]).toEqual([url, 200, 'no-cache'])
    expect(answer.body).toContain('<title>Sluice</title>')
    expect(answer.headers['content-security-policy']).toContain("script-src 'self';")
  }
})

test('scripts are kept for good and sent zipped to who takes that', async () => {
  const plain = await app.inject({ url: '/assets/main-1a2b.js' })
  expect([plain.statusCode, plain.body]).toEqual([200, 'console.log(1)'])
  expect(plain.headers).toMatchObject({ 'content-type': 'text/javascript; charset=utf-8', vary: 'accept-encoding' })
  expect(plain.headers['cache-control']).toContain('immutable')
  const zipped = await app.inject({ url: '/assets/main-1a2b.js', headers: { 'accept-encoding': 'br, gzip' } })
  expect(gunzipSync(zipped.rawPayload).toString()).toBe('console.log(1)')
})

test('what is no page stays an error of the API in JSON', async () => {
  for (const url of ['/api/v1/nothing', '/assets/other.js', '/projects.php']) {
    const answer = await browse(url)
    expect([url, answer.statusCode, answer.json().code]).toEqual([url, 404, 'route.not_found'])
  }
  const program = await app.inject({ url: '/nothing', headers: { accept: 'application/json' } })
  expect([program.statusCode, program.json().code]).toEqual([404, 'route.not_found'])
  const posted = await app.inject({ method: 'POST', url: '/nothing', headers: { accept: 'text/html' } })
  expect([posted.statusCode, posted.json().code]).toEqual([404, 'route.not_found'])
})

test('nothing outside the folder is sent', async () => {
  for (const url of ['/assets/../../package.json', '/..%2f..%2fpackage.json', '/assets/%2e%2e/%2e%2e/package.json'])
    expect((await app.inject({ url })).statusCode).toBe(404)
})
