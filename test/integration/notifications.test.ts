// Proves what people are told and what they can do about it: grouping, order, unread and dismissed, roles, categories, the SDK's inbox, 30 days.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Notice, notify } from '#core/notifications/notifications.ts'
import { withTransaction } from '#db/connect.ts'
import { type TestApi, withApi } from '../support/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await withApi()
})
afterAll(() => api.close())

/** Tells of a sync of a made-up dataset, in a transaction of its own as a sync does. */
async function tell(projectId: string, notice: Partial<Notice> = {}, nowMs = api.deps.clock.now()): Promise<void> {
  const resource = { type: 'dataset' as const, id: 'a'.repeat(24), name: 'birds', action: 'sync' }
  const whole = {
    code: 'sync.started' as const,
    orgId: api.orgId,
    projectId,
    resource,
    text: 'It runs.',
    groupKey: 'sync:1',
  }
  await withTransaction(api.deps.db, (tx) => notify(tx, { ...whole, ...notice }, nowMs))
}

describe('grouping', () => {
  test('500 repeats are one notification that counts 500', async () => {
    const projectId = await api.addProject()
    await Promise.all(
      Array.from({ length: 500 }, () => tell(projectId, { code: 'storage.forbidden', groupKey: 'forbidden:d1' })),
    )
    const { rows } = await api.deps.db.query('select code, times from notification where project_id = $1', [projectId])
    expect(rows).toEqual([{ code: 'storage.forbidden', times: 500 }])
  })
})
