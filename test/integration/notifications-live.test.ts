// Proves that an open window is told at once and of everything: from other connections, after a lost connection of either side, until it may not look on.
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createClient } from '#client/client.ts'
import { readEvents, type StreamEvent } from '#client/event-stream.ts'
import { type NotificationNews, watchNotifications } from '#client/notifications.ts'
import { followNotifications } from '#core/notifications/notifications.ts'
import { createPool, type DbPool } from '#db/connect.ts'
import { type Actor, type TestApi, withApi } from '../support/api.ts'
import { tell } from '../support/notices.ts'

let api: TestApi
let url: string
let projectId: string
/** Somebody else's connections to the database: another process, or a worker. */
let elsewhere: DbPool
let nowMs: number
beforeEach(async () => {
  nowMs = Date.now()
  api = await withApi({ clock: { now: () => nowMs } })
  url = await api.app.listen({ port: 0, host: '127.0.0.1' })
  projectId = await api.addProject()
  elsewhere = createPool(api.database.url, { connectionsMax: 2 })
})
afterEach(async () => {
  await elsewhere.end()
  // After an aborted request the platform's fetch opens connections that ask nothing; no server can tell them from slow ones.
  const cut = setInterval(() => api.app.server.closeAllConnections(), 50)
  await api.close()
  clearInterval(cut)
})

interface Open {
  readonly status: number
  readonly headers: Headers
  /** The next event that is not a heartbeat; undefined at the end. */
  next(): Promise<StreamEvent | undefined>
  /** The next events up to and with `unread`, as their kinds and texts. */
  batch(): Promise<{ events: string[]; unread: number; position: string }>
  close(): void
}

async function open(actor: Actor, options: { lastId?: string; query?: string; method?: string } = {}): Promise<Open> {
  const leaving = new AbortController()
  const response = await fetch(`${url}/api/v1/notifications/stream${options.query ?? ''}`, {
    method: options.method ?? 'GET',
    signal: leaving.signal,
    headers: {
      authorization: `Bearer ${actor.token}`,
      ...(options.lastId === undefined ? {} : { 'last-event-id': options.lastId }),
    },
  })
  const events = response.body === null ? null : readEvents(response.body)
  const next = async () => (await events?.next())?.value ?? undefined
  return {
    status: response.status,
    headers: response.headers,
    next,
    batch: async () => {
      const seen: string[] = []
      for (;;) {
        const event = await next()
        if (event === undefined) throw new Error(`the stream ended after ${seen.join()}`)
        const data = JSON.parse(event.data)
        if (event.event === 'unread') return { events: seen, unread: data.unread, position: event.lastId }
        seen.push(event.event === 'notification' ? `${data.code}: ${data.text}` : event.event)
      }
    },
    close: () => leaving.abort(),
  }
}

const countUnread = async (actor: Actor) =>
  (await api.call(actor, 'GET', '/api/v1/notifications')).body.unread as number

// In less time than a window takes to look for itself: it was rung for.
test('the bell counts up and down without a reload, whatever connection it was told on', {
  timeout: 12_000,
}, async () => {
  const window = await open(api.owner)
  expect(window.status).toBe(200)
  expect(window.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const begun = await window.batch()
  expect(begun).toMatchObject({ events: [], unread: 0 })
  const other = await open(api.owner)
  await other.batch()

  await tell(api, { projectId, text: 'one' }, { tx: elsewhere })
  // The position comes with the last event of a batch: who loses the connection before has not seen it all.
  expect(await window.next()).toMatchObject({ event: 'notification', lastId: begun.position })
  expect(await window.batch()).toMatchObject({ events: [], unread: 1 })
  expect(await other.batch()).toMatchObject({ events: ['sync.started: one'], unread: 1 })
  // Read in one window, it is read in the other.
  await api.call(api.owner, 'POST', '/api/v1/notifications/read', { json: { all: true } })
  expect(await window.batch()).toMatchObject({ events: ['sync.started: one'], unread: 0 })
  expect(await other.batch()).toMatchObject({ unread: 0 })
  await tell(api, { projectId, code: 'sync.failed', text: 'two' }, { tx: elsewhere })
  expect(await window.batch()).toMatchObject({ events: ['sync.failed: two'], unread: 1 })
  window.close()
  other.close()
})

test('a window hears of its user’s projects only', async () => {
  const annotator = await api.addUser('annotator@example.com', 'member')
  await api.join(projectId, annotator, 'annotator')
  const stranger = (await api.addOrg('Elsewhere')).owner
  const windows = [await open(annotator), await open(stranger)]
  for (const window of windows) await window.batch()
  const owner = await open(api.owner)
  await owner.batch()
  await tell(api, { projectId, text: 'secret' })
  expect((await owner.batch()).events).toEqual(['sync.started: secret'])
  // What they hear next is the first they hear: of a project that they engineer.
  const [theirs, others] = [await api.addProject(), await api.addProject()]
  await api.join(theirs, annotator, 'engineer')
  await tell(api, { projectId: others, text: 'another secret' })
  await tell(api, { projectId: theirs, text: 'theirs' })
  expect(await windows[0]!.batch()).toMatchObject({ events: ['sync.started: theirs'], unread: 1 })
  for (const window of [...windows, owner]) window.close()
})

test('a burst of hundreds is read in few batches and ends with the last state', async () => {
  const window = await open(api.owner)
  await window.batch()
  const progress = { percent: null, count: 1, perSecond: 1, secondsLeft: null }
  await tell(api, { projectId })
  for (let no = 1; no <= 300; no++) {
    await tell(
      api,
      { projectId, code: 'sync.progress', text: String(no), progress: { ...progress, count: no } },
      { tx: elsewhere, nowMs: nowMs + no },
    )
  }
  await tell(api, { projectId, code: 'sync.finished', text: 'end' }, { tx: elsewhere })
  const batches: string[][] = []
  do batches.push((await window.batch()).events)
  while (!batches.at(-1)!.includes('sync.finished: end'))
  expect(batches.every((events) => events.length <= 1)).toBe(true)
  expect(batches.length).toBeLessThan(150)
  window.close()
})

test('who comes back misses nothing, not even what was told before the position and committed after it', async () => {
  const first = await open(api.owner)
  await first.batch()
  const slow = await elsewhere.connect()
  await slow.query('begin')
  await tell(api, { projectId, groupKey: 'slow', text: 'slow' }, { tx: slow })
  await tell(api, { projectId, groupKey: 'fast', text: 'fast' }, { tx: elsewhere })
  const { events, position } = await first.batch()
  expect(events).toEqual(['sync.started: fast'])
  // Transactions that are read again are not told again on the same connection.
  await tell(api, { projectId, groupKey: 'next', text: 'next' }, { tx: elsewhere })
  expect((await first.batch()).events).toEqual(['sync.started: next'])
  first.close()
  await slow.query('commit')
  slow.release()
  await tell(api, { projectId, groupKey: 'later', text: 'later' }, { tx: elsewhere })

  const second = await open(api.owner, { lastId: position })
  const resumed = await second.batch()
  // The fast one may come twice, because the slow one was under way when the position was taken.
  expect(new Set(resumed.events)).toEqual(
    new Set(['slow', 'fast', 'next', 'later'].map((text) => `sync.started: ${text}`)),
  )
  expect(resumed.unread).toBe(4)
  second.close()
  const third = await open(api.owner, { lastId: resumed.position })
  // Nothing new, and maybe some of it again: other databases of the same server have transactions too.
  for (const event of (await third.batch()).events) expect(resumed.events).toContain(event)
  third.close()
})

test('however transactions overlap, commit and roll back: who comes and goes has in the end what is in the list', async () => {
  const tellers = 3
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('tell' as const), by: fc.nat(tellers - 1) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('commit' as const, 'rollback' as const), by: fc.nat(tellers - 1) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('come back' as const), by: fc.constant(0) }) },
  )
  const signal = new AbortController().signal
  const many = createPool(api.database.url, { connectionsMax: tellers })
  const clients = await Promise.all(Array.from({ length: tellers }, () => many.connect()))
  let run = 0
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), async (steps) => {
        run++
        let position = (await api.call(api.owner, 'GET', '/api/v1/notifications')).body.position as string
        const seen = new Map<string, string>()
        const comeBack = async () => {
          const feed = followNotifications(api.deps, api.owner, { position, signal, recheck: async () => {} })
          const { value } = await feed.next()
          await feed.return()
          for (const { id, text } of value!.notifications) seen.set(id, text)
          position = value!.position
        }
        const isOpen = new Set<number>()
        const end = async (by: number, how: 'commit' | 'rollback') => {
          if (isOpen.delete(by)) await clients[by]!.query(how)
        }
        for (const [index, each] of steps.entries()) {
          if (each.do === 'come back') await comeBack()
          else if (each.do !== 'tell') await end(each.by, each.do)
          else {
            if (!isOpen.has(each.by)) await clients[each.by]!.query('begin')
            isOpen.add(each.by)
            // Of its own group each, or they would wait for one another.
            const parts = { projectId, groupKey: `${run}:${each.by}`, text: `${run}:${index}` }
            await tell(api, parts, { tx: clients[each.by]! })
          }
        }
        for (const by of [...isOpen]) await end(by, 'commit')
        await comeBack()
        const { items } = (await api.call(api.owner, 'GET', '/api/v1/notifications')).body
        const listed = items.filter(({ text }: { text: string }) => text.startsWith(`${run}:`))
        expect(new Map(listed.map(({ id, text }: { id: string; text: string }) => [id, text]))).toEqual(
          new Map([...seen].filter(([, text]) => text.startsWith(`${run}:`))),
        )
      }),
      { numRuns: 20 },
    )
  } finally {
    for (const client of clients) client.release()
    await many.end()
  }
})

test('a list and the stream from its position fit together', async () => {
  await tell(api, { projectId, groupKey: 'listed', text: 'listed' })
  const { body } = await api.call(api.owner, 'GET', '/api/v1/notifications')
  await tell(api, { projectId, groupKey: 'between', text: 'between' })
  const window = await open(api.owner, { query: `?position=${body.position}` })
  const { events, unread } = await window.batch()
  expect([events.at(-1), unread]).toEqual(['sync.started: between', 2])
  window.close()
})

test('who was away for too much, or comes with a position of another database, is told to read the list again', async () => {
  const { body } = await api.call(api.owner, 'GET', '/api/v1/notifications')
  await Promise.all(Array.from({ length: 501 }, (_, no) => tell(api, { projectId, groupKey: `sync:${no}` })))
  for (const lastId of [body.position, '999999999999999', 'nonsense', '-1', '99999999999999999999']) {
    const window = await open(api.owner, { lastId })
    expect([lastId, await window.batch()]).toMatchObject([lastId, { events: ['reset'], unread: 501 }])
    await tell(api, { projectId, groupKey: 'sync:1', code: 'sync.parked', text: lastId })
    expect((await window.batch()).events).toContain(`sync.parked: ${lastId}`)
    window.close()
  }
})

test('the client follows over lost connections, of its own and of the database’s', async () => {
  const stop = new AbortController()
  const client = createClient({ baseUrl: url, token: api.owner.token })
  const seen: string[] = []
  const watching = (async () => {
    for await (const news of watchNotifications(client, { signal: stop.signal, retryMs: 20 }))
      seen.push(news.kind === 'notification' ? news.notification.text : describeNews(news))
  })()
  await expect.poll(() => seen).toEqual(['unread 0'])
  // Every connection to the database is cut, the listening one among them.
  await elsewhere.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  )
  await tell(api, { projectId, text: 'after the cut' }, { tx: elsewhere })
  await expect.poll(() => seen, { timeout: 10_000 }).toContain('after the cut')
  await expect.poll(() => seen.at(-1)).toBe('unread 1')
  // And it listens again: this is told long before the window would look for itself.
  await tell(api, { projectId, text: 'rung again', code: 'sync.parked' }, { tx: elsewhere })
  await expect.poll(() => seen, { timeout: 10_000 }).toContain('rung again')
  // The server drops the windows; they come back by themselves.
  api.app.server.closeAllConnections()
  await tell(api, { projectId, text: 'after the drop', code: 'sync.failed' }, { tx: elsewhere })
  await expect.poll(() => seen, { timeout: 10_000 }).toContain('after the drop')
  stop.abort()
  await watching
  const refused = watchNotifications(createClient({ baseUrl: url, token: 'no-token' }), {
    signal: new AbortController().signal,
  })
  await expect(refused.next()).rejects.toMatchObject({ code: 'auth.invalid_token' })
})

function describeNews(news: Exclude<NotificationNews, { kind: 'notification' }>): string {
  return news.kind === 'unread' ? `unread ${news.unread}` : news.kind
}

test('a stream ends when its token is revoked or over, before it tells anything more', async () => {
  const engineer = await api.addUser('engineer@example.com', 'member')
  await api.join(projectId, engineer, 'engineer')
  const revoked = await open(api.owner)
  await revoked.batch()
  expect((await api.call(api.owner, 'POST', '/api/v1/logout')).status).toBeLessThan(300)
  await tell(api, { projectId, text: 'secret' })
  expect(await revoked.next()).toBeUndefined()

  const over = await open(engineer)
  await over.batch()
  nowMs += 25 * 3600 * 1000
  await tell(api, { projectId, text: 'secret', code: 'sync.failed' })
  expect(await over.next()).toBeUndefined()
})

test('an idle stream looks for itself, shows that it lives, and notices that it may not go on', async () => {
  let isAllowed = true
  const signal = new AbortController().signal
  const news = followNotifications(api.deps, api.owner, {
    position: undefined,
    signal,
    lookMs: 20,
    recheck: async () => {
      if (!isAllowed) throw new Error('not any more')
    },
  })
  expect((await news.next()).value).toMatchObject({ kind: 'news', unread: 0 })
  expect((await news.next()).value).toBeNull()
  await tell(api, { projectId, text: 'found' }, { tx: elsewhere })
  let found = (await news.next()).value
  while (found === null) found = (await news.next()).value
  expect(found).toMatchObject({ notifications: [{ text: 'found' }], unread: 1 })
  isAllowed = false
  await expect(news.next()).rejects.toThrow('not any more')
})

test('a user has ten streams at most; one that is closed makes room, and another user has their own', async () => {
  const windows = await Promise.all(Array.from({ length: 10 }, () => open(api.owner)))
  const eleventh = await open(api.owner)
  expect(eleventh.status).toBe(429)
  expect(await countUnread(api.owner)).toBe(0)
  const other = await open((await api.addOrg('Elsewhere')).owner)
  expect(other.status).toBe(200)
  windows.pop()!.close()
  await expect
    .poll(async () => {
      const again = await open(api.owner)
      if (again.status === 200) windows.push(again)
      return again.status
    })
    .toBe(200)
  for (const window of [...windows, other]) window.close()
})

test('HEAD tells what the stream is and leaves nothing open', async () => {
  for (let no = 0; no < 12; no++) {
    const head = await open(api.owner, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  }
})

test('the server’s stop ends every stream at once, of readers who do not read too, and gives the listening connection back', async () => {
  const windows = await Promise.all([open(api.owner), open(api.owner), open(api.owner)])
  for (const window of windows.slice(0, 2)) await window.batch()
  // A stream that was forgotten would hold this for ever.
  await api.app.close()
  for (const window of windows.slice(0, 2)) expect(await window.next()).toBeUndefined()
  await expect
    .poll(async () => {
      const { rows } = await elsewhere.query(
        `select count(*)::int as listening from pg_stat_activity where datname = current_database() and query like 'listen %'`,
      )
      return rows[0].listening
    })
    .toBe(0)
})
