// Proves that what is taken out of a dataset leaves nothing behind in counters and data points, and comes back as what it was, however it comes back.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dataPointsOf, findFolderFaults } from '../support/invariants.ts'
import { Meeting } from '../support/meeting.ts'

let meeting: Meeting
beforeAll(async () => {
  meeting = await Meeting.open()
})
afterAll(() => meeting.close())
beforeEach(() => setLimit(null))

const setLimit = (max: number | null) =>
  meeting.deps.db.query('update data_points set points_max = $2 where org_id = $1', [meeting.api.orgId, max])

async function expectSound(): Promise<void> {
  expect(await findFolderFaults(meeting.deps.db, meeting.datasetNo)).toEqual([])
  const points = await dataPointsOf(meeting.deps.db, meeting.api.orgId)
  expect(points.used).toBe(points.rows)
}

test('a hint gives an item back what it was, as a sync does', async () => {
  for (const byHint of [true, false]) {
    await meeting.begin({ 'a/1': 'one', 'a/f': 'two' })
    await meeting.sync()
    const before = (await meeting.rows())['a/f']!
    await meeting.deps.db.query(`update item set metadata = '{"user": {"note": "kept"}}' where item_no = $1`, [
      before.itemNo,
    ])
    meeting.remove('a/f')
    await meeting.hint('a/f', true)
    expect((await meeting.drain()).outcomes).toEqual({ removed: 1 })
    await expectSound()
    meeting.put('a/f', 'another text')
    if (byHint) {
      await meeting.hint('a/f')
      await meeting.drainAll()
    } else await meeting.sync()
    const after = (await meeting.rows())['a/f']!
    expect(after).toMatchObject({ itemNo: before.itemNo, state: 0, metadata: { user: { note: 'kept' } } })
    // Its content is another one than the annotations were made for.
    expect(after.flags & 8).toBe(8)
    await expectSound()
  }
})

test('data points are exact when a page meets a later removal', async () => {
  await meeting.begin({ 'a/1': 'one' })
  await meeting.sync()
  meeting.put('a/2')
  meeting.put('a/f')
  const runNo = await meeting.start()
  void meeting.atPage('listing', async () => {
    meeting.remove('a/f')
    await meeting.hint('a/f', true)
    await meeting.drain()
  })
  await meeting.work()
  expect(await meeting.run(runNo)).toMatchObject({ state: 'success', added: 1 })
  await expectSound()
})

describe('a first sync', () => {
  test('that has not enough leaves nothing of its own, nothing in the counters, nothing paid; what a hint brought stays', async () => {
    await meeting.begin(Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`a/${n}`, `${n}`])))
    meeting.pageKeys = 10
    const { used } = await dataPointsOf(meeting.deps.db, meeting.api.orgId)
    await setLimit(used + 39)
    const runNo = await meeting.start()
    await meeting.hint('a/7')
    expect((await meeting.drain()).outcomes).toEqual({ added: 1 })
    await meeting.work()
    expect(await meeting.run(runNo)).toMatchObject({ state: 'failed', error_code: 'quota.exceeded' })
    expect(await meeting.live()).toEqual(['a/7'])
    await expectSound()
  })
})
