// Proves what people are told and what they can do about it: grouping, order, unread and dismissed, roles, categories, the SDK's inbox, 30 days.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type NoticeCode, type Notification, noticeKinds } from '#contract/notifications.ts'
import { sweepNotifications } from '#core/notifications/notifications.ts'
import { withTransaction } from '#db/connect.ts'
import { type Actor, type Answer, type TestApi, withApi } from '../support/api.ts'
import { tell } from '../support/notices.ts'

let api: TestApi
let people = 0
beforeAll(async () => {
  api = await withApi()
})
afterAll(() => api.close())

/** A project with somebody of this role, who has no other. */
async function withPerson(role: 'owner' | 'engineer' | 'annotationManager' | 'annotator' = 'engineer') {
  const projectId = await api.addProject()
  const actor = await api.addUser(`person-${++people}@example.com`, 'member')
  await api.join(projectId, actor, role)
  return { projectId, actor }
}

async function list(actor: Actor, query = ''): Promise<Answer['body']> {
  const answer = await api.call(actor, 'GET', `/api/v1/notifications${query}`)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

async function post(actor: Actor, what: 'read' | 'dismiss', json: unknown): Promise<Answer> {
  return await api.call(actor, 'POST', `/api/v1/notifications/${what}`, { json })
}

describe('one sync is one notification', () => {
  test('that goes from started over progress to its end, and is unread again at the end', async () => {
    const { projectId, actor } = await withPerson()
    await tell(api, { projectId })
    const started = await list(actor)
    expect(started).toMatchObject({ unread: 1, next: null })
    expect(started.items).toMatchObject([
      {
        code: 'sync.started',
        title: 'Sync started',
        category: 'dataManagement',
        priority: 'info',
        count: 1,
        progress: null,
        context: { org: { id: api.orgId, name: 'Acme' }, project: { id: projectId } },
        resource: { type: 'dataset', id: 'a'.repeat(24), name: 'birds', action: 'sync' },
        read: false,
        dismissed: false,
        new: true,
      },
    ])
    const [{ id }] = started.items
    expect((await post(actor, 'read', { ids: [id] })).body).toEqual({ unread: 0 })

    const later = (ms: number) => ({ nowMs: api.deps.clock.now() + ms })
    const progress = { percent: 40, count: 400, perSecond: 100, secondsLeft: 6 }
    await tell(api, { projectId, code: 'sync.progress', progress, text: '400 files.' }, later(10))
    expect(await list(actor)).toMatchObject({ unread: 0, items: [{ id, code: 'sync.progress', progress, read: true }] })

    await tell(api, { projectId, code: 'sync.failed', text: 'The bucket is gone.' }, later(20))
    const failed = await list(actor, '?unread=true')
    expect(failed).toMatchObject({ unread: 1 })
    expect(failed.items).toMatchObject([
      { id, code: 'sync.failed', priority: 'error', text: 'The bucket is gone.', count: 1, progress: null, new: true },
    ])
    // A worker that comes late with its progress does not bring the sync back to life.
    await tell(api, { projectId, code: 'sync.progress', progress }, later(30))
    expect((await list(actor)).items).toMatchObject([{ code: 'sync.failed', text: 'The bucket is gone.' }])
  })

  test('progress that was measured before a pause and written after it does not undo it; what comes after does', async () => {
    const { projectId, actor } = await withPerson()
    const nowMs = api.deps.clock.now()
    const progress = { percent: null, count: 1, perSecond: 1, secondsLeft: null }
    await tell(api, { projectId }, { nowMs })
    await tell(api, { projectId, code: 'sync.paused' }, { nowMs: nowMs + 5 })
    for (const ms of [4, 5]) await tell(api, { projectId, code: 'sync.progress', progress }, { nowMs: nowMs + ms })
    expect((await list(actor)).items).toMatchObject([{ code: 'sync.paused', progress: null }])
    await tell(api, { projectId, code: 'sync.progress', progress }, { nowMs: nowMs + 6 })
    expect((await list(actor)).items).toMatchObject([{ code: 'sync.progress', progress }])
  })

  test('500 repeats are one notification that counts 500', async () => {
    const { projectId, actor } = await withPerson()
    const repeats = Array.from({ length: 500 }, () =>
      tell(api, { projectId, code: 'storage.forbidden', groupKey: 'forbidden:d1' }),
    )
    await Promise.all(repeats)
    expect(await list(actor)).toMatchObject({ unread: 1, items: [{ code: 'storage.forbidden', count: 500 }] })
    // Another thing is another notification, and so is the same in another project.
    await tell(api, { projectId, code: 'storage.forbidden', groupKey: 'forbidden:d2' })
    expect((await list(actor)).items.map(({ count }: Notification) => count)).toEqual([1, 500])
  })

  test('a transaction that is rolled back tells nothing', async () => {
    const { projectId, actor } = await withPerson()
    const undone = withTransaction(api.deps.db, async (tx) => {
      await tell(api, { projectId }, { tx })
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await list(actor)).toMatchObject({ unread: 0, items: [] })
  })

  test('a text that PostgreSQL would refuse or that is endless does not break its teller', async () => {
    const { projectId, actor } = await withPerson()
    const resource = { type: 'dataset' as const, id: 'b'.repeat(24), name: 'nul\0name', action: 'sync' }
    await tell(api, { projectId, text: `nul\0 ${'x'.repeat(5_000)}`, resource })
    const [told] = (await list(actor)).items
    expect([told.text.length, told.resource.name]).toEqual([2_000, 'nul\u{fffd}name'])
    await tell(api, { projectId: 'f'.repeat(24) })
    expect((await list(actor)).items).toHaveLength(1)
  })
})

test('whatever is told and done, in any order: unread is what happened since it was read, and dismissed is gone until it happens again', async () => {
  const codes = Object.keys(noticeKinds) as NoticeCode[]
  const step = fc.oneof(
    fc.record({ do: fc.constant('tell' as const), code: fc.constantFrom(...codes), group: fc.nat(2) }),
    fc.record({ do: fc.constantFrom('read' as const, 'dismiss' as const), group: fc.nat(2) }),
  )
  const { projectId, actor } = await withPerson()
  let run = 0
  let nowMs = api.deps.clock.now()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      run++
      const model = new Map<number, { code: NoticeCode; count: number; read: boolean; dismissed: boolean }>()
      const idOf = async (group: number) => {
        const { rows } = await api.deps.db.query<{ id: string }>('select id from notification where group_key = $1', [
          `${run}:${group}`,
        ])
        return rows[0]?.id
      }
      for (const each of steps) {
        const known = model.get(each.group)
        if (each.do === 'tell') {
          await tell(api, { projectId, code: each.code, groupKey: `${run}:${each.group}` }, { nowMs: ++nowMs })
          const { isProgress = false } = noticeKinds[each.code]
          if (isProgress && known && noticeKinds[known.code].isFinal) continue
          const count = known?.code === each.code && !isProgress ? known.count + 1 : 1
          const before = isProgress && known ? known : { read: false, dismissed: false }
          model.set(each.group, { code: each.code, count, read: before.read, dismissed: before.dismissed })
        } else {
          const id = await idOf(each.group)
          if (id === undefined || known === undefined) continue
          expect((await post(actor, each.do, { ids: [id] })).status).toBe(200)
          known.read = true
          if (each.do === 'dismiss') known.dismissed = true
        }
      }
      const shown = [...model.values()].filter(({ dismissed }) => !dismissed)
      const page = await list(actor)
      const facts = (one: { code: string; count: number; read: boolean }) => `${one.code} ${one.count} ${one.read}`
      expect(page.items.map(facts).sort()).toEqual(shown.map(facts).sort())
      expect(page.unread).toBe(shown.filter(({ read }) => !read).length)
      expect((await post(actor, 'dismiss', { all: true })).body).toEqual({ unread: 0 })
      expect((await list(actor)).items).toEqual([])
    }),
    { numRuns: 40 },
  )
})

test('the newest news stand first, and pages join without a gap', async () => {
  const { projectId, actor } = await withPerson()
  for (let no = 0; no < 7; no++) await tell(api, { projectId, groupKey: `sync:${no}`, text: String(no) })
  await tell(api, { projectId, groupKey: 'sync:2', code: 'sync.finished', text: '2' })
  const texts: string[] = []
  let next: string | null = ''
  while (next !== null) {
    const page: Answer['body'] = await list(actor, `?limit=3${next === '' ? '' : `&after=${next}`}`)
    texts.push(...page.items.map(({ text }: Notification) => text))
    next = page.next
  }
  expect(texts).toEqual(['2', '6', '5', '4', '3', '1', '0'])
  expect((await list(actor, `?projectId=${await api.addProject()}`)).items).toEqual([])
  for (const query of ['?after=x', '?limit=0', '?unread=yes'])
    expect((await api.call(actor, 'GET', `/api/v1/notifications${query}`)).body.code).toBe('request.invalid')
})

describe('who is told', () => {
  test('owners and engineers of the project; neither its annotators nor anybody else of the organization', async () => {
    const { projectId, actor: engineer } = await withPerson('engineer')
    const told = { owner: api.owner, engineer }
    const manager = await api.addUser(`manager-${++people}@example.com`, 'member')
    await api.join(projectId, manager, 'annotationManager')
    const annotator = await api.addUser(`annotator-${++people}@example.com`, 'member')
    await api.join(projectId, annotator, 'annotator')
    const admin = await api.addUser(`admin-${++people}@example.com`, 'admin')
    await tell(api, { projectId })
    for (const [name, actor] of Object.entries(told))
      expect((await list(actor, `?projectId=${projectId}`)).items, name).toHaveLength(1)
    const [{ id }] = (await list(engineer)).items
    for (const actor of [manager, annotator, admin, (await api.addOrg(`Other ${people}`)).owner]) {
      expect(await list(actor)).toMatchObject({ unread: 0, items: [] })
      const inbox = await api.call(actor, 'GET', '/api/v1/inbox/message/user')
      expect(inbox.body).toEqual({ items: [] })
      // Marking what one may not see does nothing, and does not tell whether it is there.
      expect((await post(actor, 'read', { ids: [id] })).body).toEqual({ unread: 0 })
    }
    expect(await list(engineer)).toMatchObject({ unread: 1 })
    // One who becomes an engineer is told from then on, one who is lowered is not any more.
    await api.join(projectId, annotator, 'engineer')
    await api.join(projectId, engineer, 'annotator')
    expect([(await list(annotator)).unread, (await list(engineer)).unread]).toEqual([1, 0])
  })

  test('what one person reads and dismisses changes nothing for another', async () => {
    const { projectId, actor } = await withPerson()
    await tell(api, { projectId })
    await post(actor, 'dismiss', { all: true })
    expect((await list(api.owner, `?projectId=${projectId}`)).items).toMatchObject([{ read: false, dismissed: false }])
  })

  test('a deleted project takes its notifications along', async () => {
    const { projectId, actor } = await withPerson()
    await tell(api, { projectId })
    expect((await api.call(api.owner, 'DELETE', `/api/v1/projects/${projectId}`)).status).toBe(200)
    expect(await list(actor)).toMatchObject({ unread: 0, items: [] })
  })
})

describe('settings', () => {
  const settings = (actor: Actor, categories?: Record<string, boolean>) =>
    api.call(actor, categories === undefined ? 'GET' : 'PATCH', '/api/v1/notifications/settings', {
      ...(categories === undefined ? {} : { json: { categories } }),
    })

  test('a category that is off is neither listed nor counted, for this person only, and comes back when it is on', async () => {
    const { projectId, actor } = await withPerson()
    await tell(api, { projectId })
    await tell(api, { projectId, code: 'quota.exceeded', groupKey: 'quota' })
    const before = await settings(actor)
    expect(before.body.categories.map((each: { category: string; on: boolean }) => [each.category, each.on])).toEqual([
      ['dataManagement', true],
      ['storage', true],
      ['system', true],
    ])
    const off = await settings(actor, { dataManagement: false })
    expect(off.body.categories[0]).toMatchObject({ category: 'dataManagement', on: false, locked: false })
    expect(await list(actor)).toMatchObject({ unread: 1, items: [{ code: 'quota.exceeded' }] })
    expect((await api.call(actor, 'GET', '/api/v1/inbox/message/user')).body.items).toHaveLength(1)
    expect((await list(api.owner, `?projectId=${projectId}`)).items).toHaveLength(2)
    await settings(actor, { dataManagement: true })
    expect(await list(actor)).toMatchObject({ unread: 2 })
  })

  test('the system’s category cannot be switched off, and then nothing else is either', async () => {
    const { actor } = await withPerson()
    const refused = await settings(actor, { storage: false, system: false })
    expect(refused).toMatchObject({ status: 400, body: { code: 'notification.category_locked' } })
    const { categories } = (await settings(actor)).body
    expect(categories.every(({ on }: { on: boolean }) => on)).toBe(true)
    expect(categories.filter(({ locked }: { locked: boolean }) => locked)).toMatchObject([{ category: 'system' }])
    expect((await settings(actor, { nonsense: false })).body.code).toBe('request.invalid')
  })
})

describe('the SDK’s inbox', () => {
  const inbox = (actor: Actor, pagination?: unknown, context?: unknown) => {
    const part = (name: string, value: unknown) =>
      value === undefined ? '' : `${name}=${encodeURIComponent(JSON.stringify(value))}&`
    return api.call(
      actor,
      'GET',
      `/api/v1/inbox/message/user?${part('checkpointPagination', pagination)}${part('contextExtent', context)}`,
    )
  }
  // Exactly as release 1.124 sends it.
  const pagination = { pageSize: 1000, sort: { key: 'id', direction: 'descending' } }

  test('has the keys that the SDK reads, by age, of the project that is asked for', async () => {
    const { projectId, actor } = await withPerson()
    const elsewhere = await api.addProject()
    await api.join(elsewhere, actor, 'engineer')
    await tell(api, { projectId, code: 'sync.failed', text: 'It failed.' })
    await tell(api, { projectId, groupKey: 'sync:2' })
    await tell(api, { projectId: elsewhere })
    expect((await inbox(actor, pagination)).body.items).toHaveLength(3)
    const { items } = (await inbox(actor, pagination, { project: projectId })).body
    expect(items[1]).toEqual({
      title: 'Sync failed',
      description: 'It failed.',
      context: { project: projectId, org: api.orgId },
      read: 0,
      dismissed: 0,
      new: 1,
      userId: actor.email,
      notificationId: expect.stringMatching(/^[0-9a-f]{24}$/),
      resourceAction: 'sync',
      notificationCode: 'sync.failed',
      resourceType: 'dataset',
      resourceId: 'a'.repeat(24),
      resourceName: 'birds',
      priority: 'error',
      count: 1,
    })
    const first = (await inbox(actor, { ...pagination, pageSize: 1 }, { project: projectId })).body.items
    expect(first).toEqual([items[0]])
    const checkpoint = { notificationId: first[0].notificationId }
    expect((await inbox(actor, { ...pagination, checkpoint }, { project: projectId })).body.items).toEqual([items[1]])
    const ascending = { ...pagination, sort: { key: 'id', direction: 'ascending' } }
    expect((await inbox(actor, ascending, { project: projectId })).body.items).toEqual([items[1], items[0]])
    expect((await inbox(actor, pagination, { org: 'f'.repeat(24) })).body.items).toEqual([])
  })

  test('a part that is no JSON, or none of this kind, is refused with its place', async () => {
    const { actor } = await withPerson()
    for (const query of ['checkpointPagination={', 'checkpointPagination=[]', 'contextExtent=%22x%22']) {
      const answer = await api.call(actor, 'GET', `/api/v1/inbox/message/user?${query}`)
      expect([query, answer.status, answer.body.code]).toEqual([query, 400, 'request.invalid'])
    }
  })
})

test('after 30 days without a change a notification goes, with what people did with it', async () => {
  const { projectId, actor } = await withPerson()
  const day = 24 * 3600 * 1000
  const nowMs = api.deps.clock.now()
  await tell(api, { projectId, groupKey: 'old' }, { nowMs: nowMs - 31 * day })
  await tell(api, { projectId, groupKey: 'kept' }, { nowMs: nowMs - 29 * day })
  await tell(api, { projectId, groupKey: 'changed' }, { nowMs: nowMs - 31 * day })
  await tell(api, { projectId, groupKey: 'changed', code: 'sync.finished' }, { nowMs })
  await post(actor, 'read', { all: true })
  expect(await sweepNotifications(api.deps)).toBe(1)
  expect((await list(actor)).items).toHaveLength(2)
  expect(await sweepNotifications(api.deps)).toBe(0)
})

test('a project keeps its newest 5,000 notifications', async () => {
  const { projectId } = await withPerson()
  await api.deps.db.query(
    `insert into notification (id, project_id, group_key, code, category, resource_type, resource_id, resource_name, resource_action, text,
                               news_no, changed, created_at, updated_at)
     select 'many' || no, $1, no, 'sync.finished', 'dataManagement', 'dataset', '', '', 'sync', no, nextval('notification_news'),
            pg_current_xact_id(), now(), now() from generate_series(1, 5010) no`,
    [projectId],
  )
  expect(await sweepNotifications(api.deps)).toBe(10)
  const { rows } = await api.deps.db.query(
    'select min(text::int) as oldest, count(*)::int as kept from notification where project_id = $1',
    [projectId],
  )
  expect(rows).toEqual([{ oldest: 11, kept: 5000 }])
})
