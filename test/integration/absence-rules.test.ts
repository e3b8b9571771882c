// Proves what a sync needs before it marks or removes anything: how much may be gone without asking, that an approval is of one set only, what is a move.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { updateSyncSettings } from '#core/patterns/patterns.ts'
import { dataPointsOf, findFolderFaults } from '../support/invariants.ts'
import { Meeting } from '../support/meeting.ts'

let meeting: Meeting
beforeAll(async () => {
  meeting = await Meeting.open()
})
afterAll(() => meeting.close())

const nameAt = (n: number) => `d${n % 3}/${String(n).padStart(4, '0')}`
const files = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [nameAt(n), `text ${n}`]))

/** A synced dataset with so many files, of which so many go. */
async function lose(count: number, lost: number): Promise<void> {
  await meeting.begin(files(count))
  expect((await meeting.sync()).state).toBe('success')
  for (let n = 0; n < lost; n++) meeting.remove(nameAt(n))
}

async function matchMoved(): Promise<void> {
  await updateSyncSettings(meeting.deps, meeting.api.owner, meeting.datasetNo, { matchMoved: true })
}

async function expectSound(): Promise<void> {
  expect(await findFolderFaults(meeting.deps.db, meeting.datasetNo)).toEqual([])
  const points = await dataPointsOf(meeting.deps.db, meeting.api.orgId)
  expect(points.used).toBe(points.rows)
}

describe('without asking', () => {
  test.each([
    [60, 50, 'success'],
    [60, 51, 'parked'],
    [1200, 60, 'success'],
    [1200, 61, 'parked'],
    [3, 2, 'success'],
    [3, 3, 'parked'],
  ])('of %i items %i may be gone: %s', async (count, lost, state) => {
    await lose(count, lost)
    expect(await meeting.sync()).toMatchObject({ state, missing: state === 'success' ? lost : 0 })
    expect((await meeting.live()).length).toBe(state === 'success' ? count - lost : count)
  })

  test('half of the items as they were vouch for a bucket that has lost its mark, fewer do not', async () => {
    for (const [changed, state] of [
      [4, 'success'],
      [6, 'parked'],
    ] as const) {
      await lose(10, 1)
      for (const { key } of [...meeting.bucket.from(Buffer.from('.dataloop'))])
        if (key.toString().startsWith('.dataloop')) meeting.bucket.delete(key)
      for (let n = 1; n <= changed; n++) meeting.put(nameAt(n), 'other')
      expect((await meeting.sync()).state).toBe(state)
    }
  })
})

describe('an approval', () => {
  test('is of exactly the items that were shown: one more, and the run asks again', async () => {
    await lose(60, 55)
    const runNo = await meeting.start({ dryRun: true })
    await meeting.work()
    const plan = await meeting.run(runNo)
    expect(plan.report.absent).toMatchObject({ count: 55, brake: 'too-many-missing' })
    meeting.remove(nameAt(55))
    expect(await meeting.sync({ apply: plan.command_id })).toMatchObject({ state: 'parked', missing: 0 })
    // As many, and others.
    meeting.put(nameAt(0), 'text 0')
    expect(await meeting.sync({ apply: plan.command_id })).toMatchObject({ state: 'parked', missing: 0 })
    meeting.remove(nameAt(0))
    meeting.put(nameAt(55), 'text 55')
    expect(await meeting.sync({ apply: plan.command_id })).toMatchObject({ state: 'success', missing: 55 })
  })
})

describe('a move', () => {
  test('of a whole folder is no loss that anybody has to be asked about', async () => {
    await lose(60, 55)
    await matchMoved()
    for (let n = 0; n < 55; n++) meeting.put(`moved/${nameAt(n)}`, `text ${n}`)
    const before = await meeting.rows()
    expect(await meeting.sync()).toMatchObject({ state: 'success', moved: 55, missing: 0 })
    const after = await meeting.rows()
    expect(Object.keys(after)).toHaveLength(60)
    for (let n = 0; n < 55; n++) expect(after[`moved/${nameAt(n)}`]!.itemNo).toBe(before[nameAt(n)]!.itemNo)
    await expectSound()
  })

  test('is only what has the same size as well, holds something, and is the only one that went or came', async () => {
    await meeting.begin({
      'size 1': 'one text',
      'size 2': 'one text',
      empty: '',
      'twin 1': 'twins',
      'twin 2': 'twins',
      keep: 'x',
    })
    await meeting.sync()
    await matchMoved()
    // An etag says nothing where two kinds of upload make the same one.
    await meeting.deps.db.query(
      `update item set size_bytes = size_bytes + 1 where dataset_no = $1 and name = 'size 2'`,
      [meeting.datasetNo],
    )
    for (const key of ['size 1', 'size 2', 'empty', 'twin 1', 'twin 2']) meeting.remove(key)
    meeting.put('moved/size', 'one text')
    meeting.put('moved/empty', '')
    meeting.put('moved/twin', 'twins')
    expect(await meeting.sync()).toMatchObject({ state: 'success', added: 3, moved: 1, missing: 4 })
    expect(await meeting.live()).toEqual(['keep', 'moved/empty', 'moved/size', 'moved/twin'])
  })

  test('is none when the file is still there after all', async () => {
    await meeting.begin({ from: 'one text', keep: 'x' })
    await meeting.sync()
    await matchMoved()
    meeting.remove('from')
    meeting.put('to', 'one text')
    await meeting.start()
    void meeting.atPage('listing', () => meeting.put('from', 'one text'))
    await meeting.work()
    await meeting.drainAll()
    expect(await meeting.live()).toEqual(['from', 'keep', 'to'])
    await expectSound()
  })
})
