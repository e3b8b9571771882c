// Proves that what a POST makes is made once where its answer is lost, before it is written or on its way, and that two equal requests that both got answers make two.
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type TestApi, withApi } from '../support/api.ts'
import { addDataset, putFile } from '../support/uploads.ts'

let api: TestApi
let itemId: string
let port: number

beforeAll(async () => {
  api = await withApi()
  await api.app.listen({ host: '127.0.0.1', port: 0 })
  port = (api.app.server.address() as AddressInfo).port
})
afterAll(() => api?.close())
beforeEach(async () => {
  const datasetId = await addDataset(api, await api.addProject())
  itemId = (await putFile(api, datasetId, { path: '/a.txt', bytes: 'a' })).id
})

const body = JSON.stringify([{ type: 'class', label: 'cat' }])

/** Sends the request on a connection; what becomes of that is the test's. */
async function send(socket: Socket): Promise<void> {
  socket.write(
    `POST /api/v1/items/${itemId}/annotations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.owner.token}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
}

async function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function answerOn(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return chunk.toString()
}

const ids = async () =>
  ((await api.call(api.owner, 'GET', `/api/v1/items/${itemId}/annotations`)).body as { id: string }[]).map(
    ({ id }) => id,
  )
const connections = () => new Promise<number>((done) => api.app.server.getConnections((_, count) => done(count)))
const allGone = () => vi.waitFor(async () => expect(await connections()).toBe(0))

async function again(): Promise<string> {
  const socket = await open()
  await send(socket)
  const answer = await answerOn(socket)
  socket.end()
  await allGone()
  return answer
}

test('an answer that was written and got lost by a reset is given again', async () => {
  const socket = await open()
  socket.pause()
  await send(socket)
  await vi.waitFor(async () => expect(await ids()).toHaveLength(1))
  socket.resetAndDestroy()
  await allGone()
  const [id] = await ids()
  expect(await again()).toContain(id)
  expect(await ids()).toEqual([id])
})

test('once it is given, the same again makes another', async () => {
  const socket = await open()
  socket.pause()
  await send(socket)
  await vi.waitFor(async () => expect(await ids()).toHaveLength(1))
  socket.resetAndDestroy()
  await allGone()
  await again()
  await again()
  expect(await ids()).toHaveLength(2)
})

test('two that got their answers make two, on one connection or on several', async () => {
  const socket = await open()
  for (const count of [1, 2]) {
    await send(socket)
    await answerOn(socket)
    expect(await ids()).toHaveLength(count)
  }
  socket.end()
  await allGone()
  await again()
  await again()
  expect(await ids()).toHaveLength(4)
})

test('a connection that is used again and again is not watched once more each time', async () => {
  const warnings: string[] = []
  const onWarning = (warning: Error) => warnings.push(warning.name)
  process.on('warning', onWarning)
  const socket = await open()
  for (let count = 1; count <= 15; count++) {
    await send(socket)
    await answerOn(socket)
    expect(await ids()).toHaveLength(count)
  }
  socket.end()
  await allGone()
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
})
