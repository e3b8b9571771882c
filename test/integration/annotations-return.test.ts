// Proves that an item that leaves with its file and comes back, by a hint or by a sync, has its annotations again, that nobody sees them meanwhile, and that
// the counters of item and dataset say so at every moment; and that what is forgotten for good takes its annotations along.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sweepRemoved } from '#core/items/items.ts'
import { itemId } from '#lib/ids.ts'
import { Meeting } from '../support/meeting.ts'

let meeting: Meeting
beforeAll(async () => {
  meeting = await Meeting.open()
})
afterAll(() => meeting.close())

const call = (method: string, path: string, json?: unknown) =>
  meeting.api.call(meeting.api.owner, method, `/api/v1${path}`, json === undefined ? {} : { json })

async function counters() {
  const { rows } = await meeting.deps.db.query('select annotated, annotations from dataset where dataset_no = $1', [
    meeting.datasetNo,
  ])
  return rows[0]
}

async function annotated(key: string, labels: readonly string[]) {
  const { itemNo } = (await meeting.rows())[key]!
  const path = `/items/${itemId(meeting.datasetNo, BigInt(itemNo))}/annotations`
  const json = labels.map((label) => ({ type: 'class', label, metadata: { user: { a: 1 } } }))
  return { path, made: (await call('POST', path, json)).body as { id: string }[] }
}

test.each(['hint', 'sync'])('an item that comes back by a %s', async (way) => {
  await meeting.begin({ 'a/1': 'one', 'a/f': 'two' })
  await meeting.sync()
  await annotated('a/1', ['other'])
  const { path, made } = await annotated('a/f', ['x', 'y'])
  expect(await counters()).toEqual({ annotated: 2, annotations: 3 })
  meeting.remove('a/f')
  await meeting.hint('a/f', true)
  await meeting.drain()
  expect(await counters()).toEqual({ annotated: 1, annotations: 1 })
  for (const annotation of made) {
    expect((await call('GET', `/annotations/${annotation.id}`)).status).toBe(404)
    expect((await call('PUT', `/annotations/${annotation.id}`, { label: 'z' })).status).toBe(404)
    expect((await call('DELETE', `/annotations/${annotation.id}`)).status).toBe(404)
  }
  meeting.put('a/f', 'another text')
  if (way === 'hint') {
    await meeting.hint('a/f')
    await meeting.drainAll()
  } else await meeting.sync()
  expect(await counters()).toEqual({ annotated: 2, annotations: 3 })
  expect((await call('GET', path)).body).toEqual(made)
})

test('an item that is forgotten takes its annotations along', async () => {
  await meeting.begin({ 'a/f': 'two' })
  await meeting.sync()
  const { made } = await annotated('a/f', ['x'])
  meeting.remove('a/f')
  await meeting.hint('a/f', true)
  await meeting.drain()
  await meeting.deps.db.query(
    `update removed set removed_at = now() - interval '31 days', ticket = 0 where dataset_no = $1`,
    [meeting.datasetNo],
  )
  expect(await sweepRemoved(meeting.deps, AbortSignal.timeout(30_000))).toBe(1)
  const { rows } = await meeting.deps.db.query('select 1 from annotation where dataset_no = $1', [meeting.datasetNo])
  expect([made.length, rows.length]).toEqual([1, 0])
})
