// Proves that of two looks at the same file the later one counts, whoever took it and whoever is first to write: pages of syncs, confirmations, readings of
// hints; and that a hint which comes during a reading is followed by another one (docs/adr/0008).
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StorageError } from '#storage/storage-error.ts'
import { findFolderFaults } from '../support/invariants.ts'
import { Meeting } from '../support/meeting.ts'

let meeting: Meeting
beforeAll(async () => {
  meeting = await Meeting.open()
})
afterAll(() => meeting.close())

/** Live paths when everybody has ended; the folders must agree with their rows as well. */
async function settled(): Promise<string[]> {
  expect(meeting.isWaiting).toBe(false)
  await meeting.work()
  await meeting.drainAll()
  expect(await meeting.dirty()).toEqual([])
  expect(await findFolderFaults(meeting.deps.db, meeting.datasetNo)).toEqual([])
  return meeting.live()
}

/** What an item was last seen to hold, against the bucket. */
async function expectFresh(key: string): Promise<void> {
  expect((await meeting.rows())[key]!.text).toBe(meeting.bucket.get(Buffer.from(key))!.etag)
}

describe('a page that was read before', () => {
  test('a new file was seen to be gone does not bring it in', async () => {
    await meeting.begin({ 'a/1': 'one' })
    await meeting.sync()
    meeting.put('a/f')
    await meeting.start()
    const met = meeting.atPage('listing', async () => {
      meeting.remove('a/f')
      await meeting.hint('a/f', true)
      await meeting.drain()
      expect(await meeting.dirty()).toEqual([])
    })
    await meeting.work()
    await met
    expect(await settled()).toEqual(['a/1'])
  })

  test('a new file was seen to be gone does not bring it in, in a first sync', async () => {
    // Not in a folder: one that a reading has made would be in the way of the load, and that as well would tell it.
    await meeting.begin({ one: 'one', gone: 'two' })
    const runNo = await meeting.start()
    expect((await meeting.run(runNo)).mode).toBe('load')
    const met = meeting.atPage('listing', async () => {
      meeting.remove('gone')
      await meeting.hint('gone')
      await meeting.drain()
    })
    await meeting.work()
    await met
    expect((await meeting.run(runNo)).state).toBe('success')
    expect(await settled()).toEqual(['one'])
  })

  test('an item was removed by an event does not bring it back, and what is compared already is looked at again', async () => {
    for (const when of ['before', 'after'] as const) {
      await meeting.begin({ 'a/1': 'one' })
      await meeting.sync()
      meeting.put('a/2')
      meeting.put('a/f')
      if (when === 'before') {
        await meeting.hint('a/f')
        await meeting.drain()
      }
      await meeting.start()
      const gone = async () => {
        meeting.remove('a/f')
        await meeting.hint('a/f', true)
        await meeting.drain()
      }
      if (when === 'before') void meeting.atPage('listing', gone)
      else meeting.beforeStatement(/^update sync_run set lease_until/, gone)
      await meeting.work()
      expect(await settled()).toEqual(['a/1', 'a/2'])
    }
  })

  test('a file changed does not undo the reading of the change', async () => {
    for (const when of ['before', 'after'] as const) {
      await meeting.begin({ 'a/1': 'one', 'a/f': 'two' })
      await meeting.sync()
      meeting.put('a/f', 'what the page shows')
      await meeting.start()
      const changed = async () => {
        meeting.put('a/f', 'what is there by now')
        await meeting.hint('a/f')
        await meeting.drain()
        await expectFresh('a/f')
      }
      if (when === 'before') void meeting.atPage('listing', changed)
      else meeting.beforeStatement(/^update sync_run set lease_until/, changed)
      await meeting.work()
      await expectFresh('a/f')
      expect(await settled()).toEqual(['a/1', 'a/f'])
      await expectFresh('a/f')
    }
  })

  test('is written, and a removal of one of its files while that goes on waits for it', async () => {
    await meeting.begin({ 'a/1': 'one' })
    await meeting.sync()
    meeting.put('a/f')
    await meeting.start()
    let drained: Promise<unknown> = Promise.resolve()
    // The page has looked at what was removed, and its transaction has not ended.
    meeting.beforeStatement(/^update dir d\s+set items/, async () => {
      meeting.remove('a/f')
      await meeting.hint('a/f', true)
      drained = meeting.drain()
      await meeting.untilBlocked(drained)
    })
    await meeting.work()
    await drained
    expect(await settled()).toEqual(['a/1'])
  })
})

describe('a reading of a hint', () => {
  test('from before a sync began says nothing any more', async () => {
    await meeting.begin({ 'a/1': 'one', 'a/f': 'two' })
    const other = await meeting.addDataset()
    await meeting.sync()
    await meeting.hint('a/f')
    const met = meeting.atPage('look', async () => {
      // Its event is lost, and the sync finds no trace of it.
      meeting.remove('a/f')
      await meeting.sync({}, other)
    })
    expect((await meeting.drain()).stale).toBe(1)
    await met
    await meeting.drainAll()
    expect(await meeting.live(other)).toEqual(['a/1'])
    expect(await settled()).toEqual(['a/1'])
  })

  test('that a newer hint overtook is followed by another one', async () => {
    await meeting.begin({ 'a/f': 'one' })
    await meeting.sync()
    meeting.put('a/f', 'two')
    await meeting.hint('a/f')
    void meeting.atPage('look', async () => {
      meeting.put('a/f', 'three')
      await meeting.hint('a/f')
    })
    await meeting.drain()
    expect(await meeting.dirty()).toEqual(['a/f'])
    await meeting.drain()
    await expectFresh('a/f')
    expect(await settled()).toEqual(['a/f'])
  })

  test('whose lease ran out writes nothing', async () => {
    await meeting.begin({ 'a/1': 'one' })
    await meeting.sync()
    meeting.put('a/f')
    await meeting.hint('a/f')
    void meeting.atPage('look', async () => {
      meeting.remove('a/f')
      await meeting.deps.db.query(`update dirty set lease_until = now() - interval '1 second'`)
      // Another worker looks, finds nothing, and has nothing to write: only the lease tells of it.
      expect((await meeting.drain()).outcomes).toEqual({ none: 1 })
    })
    expect((await meeting.drain()).outcomes).toEqual({})
    expect(await settled()).toEqual(['a/1'])
  })

  test('is one look: what changed between its ticket and its answer is not taken for old by a sync', async () => {
    await meeting.begin({ 'a/f': 'one', 'a/1': 'one' })
    await meeting.sync()
    meeting.remove('a/f')
    await meeting.start()
    let isRead = () => {}
    let goOn = () => {}
    const read = new Promise<void>((resolve) => {
      isRead = resolve
    })
    const wait = new Promise<void>((resolve) => {
      goOn = resolve
    })
    let drained: Promise<unknown> = Promise.resolve()
    // The listing does not show the file; it comes and a hint is followed, which finds it; it goes again before the sync has a second look.
    void meeting.atPage('listing', async () => {
      meeting.put('a/f', 'two')
      await meeting.hint('a/f')
      const held = meeting.atPage('look', async () => {
        meeting.remove('a/f')
        isRead()
        await wait
      })
      drained = meeting.drain().then(() => held)
      await read
    })
    await meeting.work()
    expect((await meeting.rows())['a/f']!.state).toBe(1)
    goOn()
    await drained
    expect((await meeting.rows())['a/f']!.state).toBe(1)
    expect(await settled()).toEqual(['a/1'])
  })
})

describe('a second look at what a listing did not show', () => {
  test('marks nothing that is there after all, and has it read again', async () => {
    for (const reconcile of [false, true]) {
      await meeting.begin({ 'a/1': 'one', 'a/f': 'two' })
      await meeting.sync()
      meeting.remove('a/f')
      const runNo = await meeting.start({ reconcile })
      void meeting.atPage('listing', () => meeting.put('a/f', 'here again'))
      await meeting.work()
      expect(await meeting.run(runNo)).toMatchObject({ state: 'success', missing: 0, removed: 0 })
      expect(await meeting.live()).toEqual(['a/1', 'a/f'])
      // It is another file than the item knows.
      expect(await meeting.dirty()).toEqual(['a/f'])
      expect(await settled()).toEqual(['a/1', 'a/f'])
      await expectFresh('a/f')
    }
  })

  test('does not overrule a later reading, also one that found the item as it was', async () => {
    await meeting.begin({ 'a/1': 'one', 'a/f': 'two' })
    await meeting.sync()
    meeting.remove('a/f')
    const runNo = await meeting.start()
    void meeting.atPage('look', async () => {
      meeting.put('a/f', 'two')
      await meeting.hint('a/f')
      expect((await meeting.drain()).outcomes).toEqual({ none: 1 })
    })
    await meeting.work()
    expect(await meeting.run(runNo)).toMatchObject({ state: 'success', missing: 0 })
    expect(await settled()).toEqual(['a/1', 'a/f'])
  })

  test('that fails marks nothing', async () => {
    await meeting.begin({ 'a/1': 'one', 'a/f': 'two' })
    await meeting.sync()
    meeting.remove('a/f')
    const runNo = await meeting.start()
    meeting.onPage = async (page, { entriesMax }) => {
      if (entriesMax === undefined) return undefined
      page.release()
      throw new StorageError('invalid', 'The answer makes no sense.', { provider: 'memory', op: 'list' })
    }
    await meeting.work()
    expect(await meeting.run(runNo)).toMatchObject({
      state: 'failed',
      error_code: 'storage.invalid_answer',
      missing: 0,
    })
    expect(await meeting.live()).toEqual(['a/1', 'a/f'])
    meeting.onPage = null
    expect(await meeting.sync()).toMatchObject({ state: 'success', missing: 1 })
  })

  test('by a worker that lost its run marks nothing', async () => {
    await meeting.begin({ 'a/1': 'one', 'a/f': 'two' })
    await meeting.sync()
    meeting.remove('a/f')
    const runNo = await meeting.start()
    void meeting.atPage('look', () =>
      meeting.deps.db.query('update sync_run set fence = fence + 1, lease_until = now() where run_no = $1', [runNo]),
    )
    await meeting.work()
    expect(await meeting.live()).toEqual(['a/1', 'a/f'])
    expect(await meeting.run(runNo)).toMatchObject({ state: 'running', missing: 0 })
  })
})

test('a look at what is as it was, by a worker that lost its run moves nothing on', async () => {
  await meeting.begin({ 'a/1': 'one', 'a/f': 'two' })
  await meeting.sync()
  const runNo = await meeting.start()
  void meeting.atPage('listing', () =>
    meeting.deps.db.query('update sync_run set fence = fence + 1, lease_until = now() where run_no = $1', [runNo]),
  )
  await meeting.work()
  expect(await meeting.run(runNo)).toMatchObject({ state: 'running', listed: 0, unchanged: 0 })
  const { rows } = await meeting.deps.db.query('select 1 from sync_range where run_no = $1', [runNo])
  expect(rows).toEqual([])
})
