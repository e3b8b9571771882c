// A signed address opens what it was signed for, as long as it was signed for, and nothing else.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { SignedRequest } from '#storage/port.ts'
import { type ConformanceCase, eachCase, type Stage } from '../stage.ts'
import { contentOf, fetchSigned, put } from '../storage-calls.ts'

const dispositions = [
  'inline',
  'attachment',
  'attachment; filename="plain.png"',
  `attachment; filename="a b.png"; filename*=UTF-8''%C3%A9.png`,
  'attachment; filename="semi;colon, comma.png"',
]

export const signingCases: readonly ConformanceCase[] = [
  { name: 'gives the bytes, and a part of them', needs: ['write', 'sign_read'], run: reads },
  { name: 'gives an object without bytes', needs: ['write', 'sign_read'], run: withoutBytes },
  { name: 'ends when it was asked to', needs: ['write', 'sign_read'], run: ends },
  { name: 'opens nothing once it has ended', needs: ['write', 'sign_read'], timeoutMs: 60_000, run: expired },
  { name: 'gives the type that was asked for', needs: ['write', 'sign_read'], run: type },
  ...eachCase(dispositions, (text) => `gives the disposition ${text}`, ['write', 'sign_read'], disposition),
  { name: 'for another key: refused', needs: ['write', 'sign_read'], run: otherKey },
  {
    name: 'for another method: refused, and nothing is written or removed',
    needs: ['write', 'sign_read'],
    run: otherMethod,
  },
  { name: 'with any value of it bent: refused', needs: ['write', 'sign_read'], run: bent },
  { name: 'without any one of its values: refused', needs: ['write', 'sign_read'], run: cut },
  { name: 'for a key that is not there: not found', needs: ['write', 'sign_read'], run: absent },
  { name: 'holds no more of the credentials than its signature', needs: ['write', 'sign_read'], run: noCookies },
  { name: 'takes an upload', needs: ['write', 'sign_write'], run: uploads },
  { name: 'takes an upload of the signed type only', needs: ['write', 'sign_write'], run: uploadType },
  { name: 'for an upload elsewhere: refused', needs: ['write', 'sign_write'], run: uploadElsewhere },
  { name: 'for an upload gives nothing to read', needs: ['write', 'sign_write', 'sign_read'], run: uploadOnly },
]

async function signed(
  { storage, freshFolder }: Stage,
  text = '0123456789',
): Promise<{ key: string; address: SignedRequest }> {
  const key = `${freshFolder()}é +%/signed`
  await put(storage, key, text)
  return { key, address: await storage.signRead(key, { ttlSeconds: 60 }) }
}

async function statusOf(url: string, init: RequestInit = {}): Promise<number> {
  const answer = await fetch(url, init)
  await answer.arrayBuffer()
  return answer.status
}

async function reads(stage: Stage): Promise<void> {
  const { address } = await signed(stage)
  const all = await fetch(address.url, { headers: address.headers })
  expect([all.status, await all.text()]).toEqual([200, '0123456789'])
  const part = await fetch(address.url, { headers: { ...address.headers, range: 'bytes=2-4' } })
  expect([part.status, await part.text()]).toEqual([206, '234'])
}

async function withoutBytes(stage: Stage): Promise<void> {
  const { key } = await signed(stage, '')
  expect(await fetchSigned(stage.storage, key)).toEqual(Buffer.alloc(0))
}

async function ends(stage: Stage): Promise<void> {
  const { address } = await signed(stage)
  expect(address.expiresAtMs).toBeGreaterThan(Date.now())
  expect(address.expiresAtMs).toBeLessThanOrEqual(Date.now() + 60_000)
}

async function expired(stage: Stage): Promise<void> {
  const { key } = await signed(stage)
  const { url, headers, expiresAtMs } = await stage.storage.signRead(key, { ttlSeconds: 1 })
  const until = expiresAtMs + 20_000
  while (Date.now() <= expiresAtMs || ((await statusOf(url, { headers })) === 200 && Date.now() < until))
    await sleep(250)
  expect([400, 401, 403]).toContain(await statusOf(url, { headers }))
}

async function type({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}typed`
  await storage.write(key, Buffer.from('x'), { sizeBytes: 1, contentType: 'image/x-test' })
  const address = await storage.signRead(key, { ttlSeconds: 60, contentType: 'text/plain' })
  const answer = await fetch(address.url, { headers: address.headers })
  expect([answer.headers.get('content-type'), await answer.text()]).toEqual(['text/plain', 'x'])
}

async function disposition({ storage, freshFolder }: Stage, contentDisposition: string): Promise<void> {
  const key = `${freshFolder()}named`
  await put(storage, key)
  const address = await storage.signRead(key, { ttlSeconds: 60, contentType: 'text/plain', contentDisposition })
  const answer = await fetch(address.url, { headers: address.headers })
  expect([answer.headers.get('content-disposition'), await answer.text()]).toEqual([contentDisposition, 'x'])
}

async function otherKey({ storage, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  await put(storage, `${folder}a`, '0123456789')
  await put(storage, `${folder}b`, 'secret')
  const { url, headers } = await storage.signRead(`${folder}a`, { ttlSeconds: 60 })
  const answer = await fetch(url.replace('/a?', '/b?'), { headers })
  expect([answer.status, await answer.text()]).toEqual([403, expect.not.stringContaining('secret')])
}

async function otherMethod(stage: Stage): Promise<void> {
  const { key, address } = await signed(stage)
  for (const method of ['PUT', 'POST', 'DELETE']) {
    const body = method === 'DELETE' ? null : 'overwritten'
    expect(
      await statusOf(address.url, { method, body, headers: { ...address.headers, 'x-ms-blob-type': 'BlockBlob' } }),
    ).toBeGreaterThanOrEqual(400)
  }
  expect((await contentOf(stage.storage, key)).toString()).toBe('0123456789')
}

/** Each value of the address changed in one character; what comes out is refused, whatever it is a value of. */
async function bent(stage: Stage): Promise<void> {
  const { address } = await signed(stage)
  for (const [name, value] of new URL(address.url).searchParams) {
    const url = new URL(address.url)
    const at = value.length >> 1
    url.searchParams.set(name, `${value.slice(0, at)}${value[at] === '1' ? '2' : '1'}${value.slice(at + 1)}`)
    expect([name, await statusOf(url.href, { headers: address.headers })]).toEqual([name, expect.toSatisfy(isRefusal)])
  }
}

async function cut(stage: Stage): Promise<void> {
  const { address } = await signed(stage)
  for (const name of new URL(address.url).searchParams.keys()) {
    const url = new URL(address.url)
    url.searchParams.delete(name)
    const status = await statusOf(url.href, { headers: address.headers })
    expect([name, status]).toEqual([name, expect.toSatisfy(isRefusal)])
  }
}

const isRefusal = (status: number) => status >= 400 && status < 500

async function absent({ storage, freshFolder }: Stage): Promise<void> {
  const { url, headers } = await storage.signRead(`${freshFolder()}absent`, { ttlSeconds: 60 })
  expect(await statusOf(url, { headers })).toBe(404)
}

async function noCookies(stage: Stage): Promise<void> {
  const { address } = await signed(stage)
  expect(Object.keys(address.headers).filter((name) => /cookie|authorization|token|key/i.test(name))).toEqual([])
}

async function uploads({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}up é+`
  const { url, headers } = await storage.signWrite(key, { ttlSeconds: 60, contentType: 'image/png' })
  expect([200, 201]).toContain(await statusOf(url, { method: 'PUT', headers, body: 'uploaded' }))
  expect((await contentOf(storage, key)).toString()).toBe('uploaded')
}

async function uploadType({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}typed`
  const { url, headers } = await storage.signWrite(key, { ttlSeconds: 60, contentType: 'image/png' })
  const other = { ...headers, 'content-type': 'text/html' }
  expect(await statusOf(url, { method: 'PUT', headers: other, body: 'x' })).toBe(403)
  expect(await storage.stat(key)).toBeNull()
}

async function uploadElsewhere({ storage, freshFolder }: Stage): Promise<void> {
  const folder = freshFolder()
  const { url, headers } = await storage.signWrite(`${folder}a`, { ttlSeconds: 60, contentType: 'image/png' })
  expect(await statusOf(url.replace('/a?', '/b?'), { method: 'PUT', headers, body: 'x' })).toBe(403)
  expect([await storage.stat(`${folder}a`), await storage.stat(`${folder}b`)]).toEqual([null, null])
}

async function uploadOnly({ storage, freshFolder }: Stage): Promise<void> {
  const key = `${freshFolder()}x`
  await put(storage, key, 'secret')
  const { url, headers } = await storage.signWrite(key, { ttlSeconds: 60 })
  const answer = await fetch(url, { headers })
  expect(isRefusal(answer.status)).toBe(true)
  expect(await answer.text()).not.toContain('secret')
}
