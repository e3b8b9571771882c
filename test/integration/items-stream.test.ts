// Proves that a file's bytes reach its user: by a redirect to an address that the storage really takes, or through the server with ranges; that nothing
// from a bucket can run on our origin; and that a file that is gone, or cannot be addressed, says so.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get as httpGet } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '#config/config.ts'
import type { Bucket } from '../../src/demo/bucket.ts'
import { type TestApi, withApi } from '../support/api.ts'
import { type SeededDataset, seedDataset } from '../support/catalog.ts'
import { addDriver, addIntegration, openBucket } from '../support/drivers.ts'

const odd = [
  'plain.txt',
  'with space+plus%25.jpg',
  'ünï/😀 "q" #1?.png',
  "a//b'(1)!*.txt",
  'back\\slash.txt',
  'line\nbreak.txt',
]
const MIB = 1024 * 1024
const bytesOf = (key: string) => Buffer.from(`bytes of ${key}`)

let api: TestApi
let projectId: string
let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-stream-'))
  api = await withApi({ config: readConfig({ SLUICE_DATA_DIR: root, SLUICE_LOCAL_ROOTS: root }) })
  projectId = await api.addProject()
})
afterAll(async () => {
  await api.close()
  await rm(root, { recursive: true, force: true })
})

const stream = (dataset: SeededDataset, key: string, headers: Record<string, string> = {}, method = 'GET') =>
  api.app.inject({
    method: method as 'GET',
    url: `/api/v1/items/${dataset.idOf(key)}/stream`,
    headers: { authorization: `Bearer ${api.owner.token}`, ...headers },
  })

describe('from a bucket that signs', () => {
  let bucket: Bucket
  let dataset: SeededDataset
  beforeAll(async () => {
    bucket = await openBucket()
    const keys = [...odd, 'page.html', 'film.mp4', 'empty', 'back-again.txt', 'large.json']
    const special: Record<string, Buffer> = { empty: Buffer.alloc(0), 'large.json': Buffer.alloc(MIB + 100, '7') }
    for (const key of keys) bucket.put(`pre/${key}`, special[key] ?? bytesOf(key), 'application/x-whatever')
    const integrationId = await addIntegration(api)
    const driverId = await addDriver(api, { projectId, integrationId, bucket, payload: { path: 'pre' } })
    dataset = await seedDataset(
      api.database.pool,
      [
        ...keys.map((key) => (key.startsWith('back-') ? { key, state: 1 } : key)),
        { key: 'ghost.txt', state: 1 },
        'dots/../x',
        'dots/./x',
      ],
      { projectId, driverId },
    )
  })
  afterAll(() => bucket.close())

  test.each(odd)('%j: the address gives the bytes, with type and name for the browser', async (key) => {
    const answer = await stream(dataset, key, { range: 'bytes=0-' })
    expect(answer.statusCode, answer.body).toBe(307)
    const location = String(answer.headers.location)
    expect(location.startsWith(bucket.endpoint)).toBe(true)
    const direct = await fetch(location)
    expect([direct.status, Buffer.from(await direct.arrayBuffer())]).toEqual([200, bytesOf(key)])
    expect(direct.headers.get('content-disposition')).toMatch(/^inline; filename=/)
    expect(direct.headers.get('content-type')).not.toBe('application/x-whatever')
    const part = await fetch(location, { headers: { range: 'bytes=6-' } })
    expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([206, bytesOf(key).subarray(6)])
  })

  test('the redirect may be kept for minutes by one browser, and stays the same so that its copy of the bytes hits', async () => {
    const [first, second] = [await stream(dataset, 'plain.txt'), await stream(dataset, 'plain.txt')]
    expect(second.headers.location).toBe(first.headers.location)
    const age = /^private, max-age=(\d+)$/.exec(String(first.headers['cache-control']))
    expect(Number(age?.[1])).toBeGreaterThan(0)
    expect(Number(age?.[1])).toBeLessThanOrEqual(240)
  })

  test('a page that may not read the bucket gets one part through the server, and no file is carried through it', async () => {
    const through = (key: string, headers: Record<string, string> = {}) =>
      api.app.inject({
        url: `/api/v1/items/${dataset.idOf(key)}/stream?through=server`,
        headers: { authorization: `Bearer ${api.owner.token}`, ...headers },
      })
    const whole = await through('plain.txt')
    expect([whole.statusCode, whole.rawPayload]).toEqual([200, bytesOf('plain.txt')])
    for (const headers of [{}, { range: 'bytes=0-' }] as Record<string, string>[]) {
      const cut = await through('large.json', headers)
      expect([cut.statusCode, cut.rawPayload.length, cut.headers['content-range']]).toEqual([
        206,
        MIB,
        `bytes 0-${MIB - 1}/${MIB + 100}`,
      ])
    }
    const end = await through('large.json', { range: 'bytes=-50' })
    expect([end.statusCode, end.rawPayload.length]).toEqual([206, 50])
    expect((await through('empty', { range: 'bytes=0-9' })).statusCode).toBe(200)
    const gone = await through('ghost.txt')
    expect([gone.statusCode, gone.json().code]).toEqual([404, 'item.missing_in_storage'])
  })

  test('what could run is only offered for download', async () => {
    const direct = await fetch(String((await stream(dataset, 'page.html')).headers.location))
    expect(direct.headers.get('content-disposition')).toBe('attachment; filename="page.html"')
  })

  test('HEAD tells size and type without a redirect, which would be good for GET alone', async () => {
    const answer = await stream(dataset, 'film.mp4', {}, 'HEAD')
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': String(bytesOf('film.mp4').length),
      'accept-ranges': 'bytes',
    })
    expect(answer.body).toBe('')
  })

  test('a file that is missing, unaddressable or unknown says so; one that came back is given', async () => {
    const code = async (key: string, method = 'GET') => {
      const answer = await stream(dataset, key, {}, method)
      return [answer.statusCode, method === 'GET' ? answer.json().code : '']
    }
    expect(await code('ghost.txt')).toEqual([404, 'item.missing_in_storage'])
    expect(await code('ghost.txt', 'HEAD')).toEqual([404, ''])
    expect(await code('dots/../x')).toEqual([409, 'item.unaddressable'])
    expect(await code('dots/./x')).toEqual([409, 'item.unaddressable'])
    expect((await stream(dataset, 'back-again.txt')).statusCode).toBe(307)
    const folder = (await api.call(api.owner, 'GET', `/api/v1/datasets/${dataset.datasetId}/items/by-path?path=/dots`))
      .body
    const answer = await api.call(api.owner, 'GET', `/api/v1/items/${folder.id}/stream`)
    expect([answer.status, answer.body.code]).toEqual([404, 'item.not_found'])
  })

  test('only members of the project get an address', async () => {
    const url = `/api/v1/items/${dataset.idOf('plain.txt')}/stream`
    expect((await api.call(null, 'GET', url)).status).toBe(401)
    const stranger = (await api.addOrg('Elsewhere')).owner
    expect((await api.call(stranger, 'GET', url)).body).toMatchObject({ status: 404, code: 'item.not_found' })
    const annotator = await api.addUser('annotator@example.com', 'member')
    await api.join(projectId, annotator, 'annotator')
    expect((await api.call(annotator, 'GET', url)).status).toBe(307)
  })

  test('no signature reaches the log', async () => {
    await stream(dataset, 'plain.txt')
    expect(api.logs()).not.toMatch(/X-Amz-Signature/i)
  })
})

describe('through the server', () => {
  let dataset: SeededDataset
  const big = Buffer.alloc(3_000_000, 'sluice')
  beforeAll(async () => {
    const keys = [...odd.filter((key) => !key.includes('//')), 'page.html', 'pic.svg', 'pic.png', 'empty', 'big.bin']
    for (const key of keys) {
      await mkdir(dirname(join(root, 'store', key)), { recursive: true })
      await writeFile(join(root, 'store', key), key === 'empty' ? '' : key === 'big.bin' ? big : bytesOf(key))
    }
    const more = { type: 'local', payload: { rootPath: join(root, 'store') }, integrationId: 'system' }
    const driverId = await addDriver(api, { projectId, more })
    dataset = await seedDataset(api.database.pool, [...keys, 'gone.txt'], { projectId, driverId })
  })

  test.each(odd.filter((key) => !key.includes('//')))('%j comes byte for byte', async (key) => {
    const answer = await stream(dataset, key)
    expect([answer.statusCode, answer.rawPayload]).toEqual([200, bytesOf(key)])
    expect(answer.headers).toMatchObject({
      'content-length': String(bytesOf(key).length),
      'accept-ranges': 'bytes',
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
    })
    expect(String(answer.headers['content-disposition'])).not.toMatch(/[\r\n]/)
  })

  test('ranges follow the standard, and an empty file has no wrong range that starts at its beginning', async () => {
    const size = big.length
    const cases: [string, string, number, Buffer | null, string?][] = [
      ['big.bin', 'bytes=0-', 206, big, `bytes 0-${size - 1}/${size}`],
      ['big.bin', 'bytes=10-19', 206, big.subarray(10, 20), `bytes 10-19/${size}`],
      ['big.bin', 'bytes=-7', 206, big.subarray(size - 7), `bytes ${size - 7}-${size - 1}/${size}`],
      [
        'big.bin',
        `bytes=${size - 1}-${size + 99}`,
        206,
        big.subarray(size - 1),
        `bytes ${size - 1}-${size - 1}/${size}`,
      ],
      ['big.bin', `bytes=-${size + 5}`, 206, big, `bytes 0-${size - 1}/${size}`],
      ['big.bin', `bytes=${size}-`, 416, null, `bytes */${size}`],
      ['big.bin', 'bytes=-0', 416, null, `bytes */${size}`],
      ['big.bin', 'bytes=9-2', 200, big],
      ['big.bin', 'bytes=0-1,5-6', 200, big],
      ['big.bin', 'lines=1-2', 200, big],
      ['empty', 'bytes=0-', 200, Buffer.alloc(0)],
      ['empty', 'bytes=-5', 200, Buffer.alloc(0)],
      ['empty', 'bytes=5-', 416, null, 'bytes */0'],
    ]
    for (const [key, range, status, body, contentRange] of cases) {
      const answer = await stream(dataset, key, { range })
      expect(answer.statusCode, `${key} ${range}`).toBe(status)
      if (body !== null) expect(answer.rawPayload.equals(body), `${key} ${range}`).toBe(true)
      else expect(answer.json().code).toBe('item.range_not_satisfiable')
      expect(answer.headers['content-range'], `${key} ${range}`).toBe(contentRange)
    }
  })

  test('HEAD has the same facts and no bytes', async () => {
    const answer = await stream(dataset, 'big.bin', {}, 'HEAD')
    expect([answer.statusCode, answer.headers['content-length'], answer.rawPayload.length]).toEqual([
      200,
      String(big.length),
      0,
    ])
  })

  test('pictures are shown, what could run is offered for download', async () => {
    const how = async (key: string) => String((await stream(dataset, key)).headers['content-disposition']).split(';')[0]
    expect([await how('pic.png'), await how('pic.svg'), await how('page.html')]).toEqual([
      'inline',
      'attachment',
      'attachment',
    ])
  })

  test('a file that is not there any more says so', async () => {
    for (const headers of [{}, { range: 'bytes=0-' }]) {
      const answer = await stream(dataset, 'gone.txt', headers)
      expect([answer.statusCode, answer.json().code]).toEqual([404, 'item.missing_in_storage'])
    }
  })

  test('a client that goes away ends the read, and the next one is served', async () => {
    await api.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = api.app.server.address() as AddressInfo
    const options = {
      port,
      path: `/api/v1/items/${dataset.idOf('big.bin')}/stream`,
      headers: { authorization: `Bearer ${api.owner.token}` },
    }
    for (let round = 0; round < 20; round++) {
      await new Promise<void>((resolve) => {
        const request = httpGet(options, (response) => response.once('data', () => request.destroy()))
        request.once('close', resolve).once('error', () => {})
      })
    }
    const whole = await fetch(`http://127.0.0.1:${port}${options.path}`, { headers: options.headers })
    expect(Buffer.from(await whole.arrayBuffer()).equals(big)).toBe(true)
    expect(
      api
        .logs()
        .split('\n')
        .filter((line) => /"level":[56]0/.test(line)),
    ).toEqual([])
  })
})

test('a dataset without a storage driver says that its storage is disconnected', async () => {
  const dataset = await seedDataset(api.database.pool, ['a'], { projectId })
  expect((await stream(dataset, 'a')).json()).toMatchObject({ status: 409, code: 'dataset.disconnected' })
})
