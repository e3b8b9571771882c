// Lists a bucket of this process's memory and ingests it, as a slice does, with batches and pages as small as a test wants them.

import { MediaTypes } from '#core/catalog/catalog.ts'
import { FolderTree } from '#core/sync/rows/folder.ts'
import { Ingest } from '#core/sync/rows/ingest.ts'
import type { DbClient } from '#db/connect.ts'
import { systemClock } from '#lib/clock.ts'
import { noForeground } from '#lib/foreground.ts'
import { pageOf } from '#storage/entry-page.ts'
import { createMemoryStorage, memoryBucket } from '#storage/memory/memory.ts'
import type { ListPage, Storage } from '#storage/port.ts'
import { StorageError } from '#storage/storage-error.ts'
import { type WalkRange, walk } from '#storage/walk/walk.ts'
import type { TestApi } from './api.ts'

/** One ingest. */
export interface IngestSetting {
  readonly datasetNo: number
  /** Name of the memory bucket; what is in it is listed. */
  readonly bucket: string
  readonly mode: 'load' | 'compare'
  readonly batchRows: number
  readonly pageMax: number
  readonly connectionsMax?: number
  /** Fails the given COPY, counted from 1. */
  readonly failAt?: number
  readonly ranges?: WalkRange[]
  readonly runNo?: number
  readonly isForced?: boolean
  /** List in a scrambled order, as a storage without order does. */
  readonly isScrambled?: boolean
  /** The page with this key shows its first half and then turns out to be bad. */
  readonly badKey?: string
  /** Gets `insert into dir` and `commit` of each connection, with its number in front, in the order in which they are sent. */
  readonly statements?: string[]
  /** The first batch's transaction begins when the other connections have done what they can without it. */
  readonly isFirstSlow?: boolean
  /** Done when a batch has read what it is compared with and has not begun to write. */
  readonly beforeWriting?: () => Promise<void>
}

let made = 0

/** A name for a bucket that nobody else has. */
export function newBucketName(): string {
  return `ingest-${made++}`
}

/** Makes a dataset without a driver; answers its number. */
export async function addBareDataset(api: TestApi, projectId: string): Promise<number> {
  const { body } = await api.call(api.owner, 'POST', '/api/v1/datasets', {
    json: { name: `d${made++}`, projects: [projectId] },
  })
  const { rows } = await api.deps.db.query<{ no: number }>('select dataset_no as no from dataset where id = $1', [
    body.id,
  ])
  return rows[0]!.no
}

/** Puts a run on record that a worker holds. */
export async function addRun(api: TestApi, datasetNo: number, mode: 'load' | 'compare'): Promise<number> {
  await api.deps.db.query(`update sync_run set state = 'canceled' where dataset_no = $1 and state = 'running'`, [
    datasetNo,
  ])
  const { rows } = await api.deps.db.query<{ run_no: number }>(
    `with c as (insert into command (id, type, status, creator_id) values (md5(random()::text), 'datasetSync', 'in-progress', $3) returning id)
     insert into sync_run (command_id, dataset_no, driver_epoch, mode, state, ticket, fence, creator_id)
     select c.id, $1, 1, $2, 'running', nextval('ticket'), 1, $3 from c returning run_no`,
    [datasetNo, mode, api.owner.userId],
  )
  return rows[0]!.run_no
}

/** Lists the bucket and ingests it; answers the run's number and ticket. */
export async function ingest(api: TestApi, setting: IngestSetting): Promise<{ runNo: number; ticket: number }> {
  const { datasetNo, mode } = setting
  const storage = setting.isScrambled ? scrambled(setting.bucket) : createMemoryStorage({ name: setting.bucket })
  const runNo = setting.runNo ?? (await addRun(api, datasetNo, mode))
  const { rows } = await api.deps.db.query<{ ticket: number }>('select ticket from sync_run where run_no = $1', [runNo])
  const ticket = rows[0]!.ticket
  const none = Buffer.alloc(0)
  const ranges = setting.ranges ?? [{ no: 1, from: none, to: null, cursor: none, isDone: false, keys: 0 }]
  const isOrdered = setting.isScrambled !== true
  const clients = await Promise.all((isOrdered ? [1, 2, 3] : [1]).map(() => api.deps.db.connect()))
  let copies = 0
  let isFirst = setting.isFirstSlow === true
  for (const [no, client] of clients.entries()) {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown
    // biome-ignore lint/suspicious/noExplicitAny: the one seam at which a test can make a COPY fail.
    client.query = ((...args: any[]) => {
      const isCopy = args[0]?.text?.startsWith?.('copy item') === true
      if (args[0] === 'begin' && isFirst) {
        isFirst = false
        return untilIdle(
          api,
          clients.filter((other) => other !== client),
        ).then(() => query(...args))
      }
      if (args[0] === 'begin' && setting.beforeWriting) return setting.beforeWriting().then(() => query(...args))
      const told = typeof args[0] === 'string' ? /^(insert into dir\b|commit)/.exec(args[0]) : null
      if (told) setting.statements?.push(`${no} ${told[0]}`)
      if (isCopy && ++copies === setting.failAt) throw new Error('the cable was pulled')
      return query(...args)
    }) as typeof client.query
  }
  const tree = new FolderTree('.dataloop', !isOrdered)
  for (const range of ranges)
    for (const key of [range.from, range.cursor, range.to]) if (key?.length) tree.share(key.toString(), [])
  const known = await api.deps.db.query<{ path: string; dir_no: number }>(
    'select path, dir_no from dir where dataset_no = $1',
    [datasetNo],
  )
  const numbers = new Map(known.rows.map((row) => [row.path, row.dir_no]))
  for (const folder of tree.shared()) folder.no = numbers.get(folder.path) ?? 0
  const sink = new Ingest({
    clients,
    clock: systemClock,
    foreground: noForeground,
    tree,
    target: {
      runNo,
      fence: 1,
      datasetNo,
      sourceNo: 0,
      orgId: api.orgId,
      ticket,
      folder: Buffer.alloc(0),
      mode,
      writes: 'all',
      isOrdered,
      isForced: setting.isForced ?? false,
    },
    datasetNo,
    ticket,
    patterns: null,
    folderBytes: 0,
    types: await MediaTypes.load(api.deps.db),
    ranges,
    batchRows: setting.batchRows,
    onStopAsked: () => {},
  })
  try {
    await walk({
      storage: {
        ...storage,
        can: storage.can,
        list: async (query) => spoilt(await storage.list({ ...query, entriesMax: setting.pageMax }), setting.badKey),
      },
      prefix: '',
      ranges,
      connectionsMax: setting.connectionsMax ?? 6,
      mayListBelow: true,
      signal: new AbortController().signal,
      cost: { requests: 0 },
      onPage: (range, page, reach) => sink.takePage(range, page, reach),
      onRange: (range) => sink.noteRange(range),
    })
    await sink.drain()
  } catch (error) {
    // As a slice does: what was taken before the storage failed is kept.
    if (error instanceof StorageError) await sink.drain()
    throw error
  } finally {
    for (const client of clients) client.release(true)
    // A batch before the one that failed may still be committing on a connection that nobody listens to any more.
    await untilNobodyWrites(api)
  }
  return { runNo, ticket }
}

/** Resolves when none of the connections has had anything to do for a moment. */
async function untilIdle(api: TestApi, clients: readonly DbClient[]): Promise<void> {
  const pids = clients.map((client) => (client as DbClient & { processID: number }).processID)
  for (;;) {
    const { rows } = await api.deps.db.query<{ n: number }>(
      `select count(*) as n from pg_stat_activity
        where pid = any($1::int[]) and state like 'idle%' and state_change < clock_timestamp() - interval '50 milliseconds'`,
      [pids],
    )
    if (rows[0]!.n === clients.length) return
  }
}

async function untilNobodyWrites(api: TestApi): Promise<void> {
  for (;;) {
    const { rows } = await api.deps.db.query<{ n: number }>(
      `select count(*) as n from pg_locks where relation = 'sync_run'::regclass and mode = 'RowExclusiveLock' and pid <> pg_backend_pid()
          and database = (select oid from pg_database where datname = current_database())`,
    )
    if (rows[0]!.n === 0) return
  }
}

/** A page whose cursor throws when it comes to the key. */
function spoilt(page: ListPage, badKey: string | undefined): ListPage {
  if (badKey === undefined) return page
  const { entries } = page
  const next = entries.next.bind(entries)
  entries.next = () => {
    const hasNext = next()
    if (hasNext && entries.keyBytes.toString('utf8', entries.keyStart, entries.keyEnd) === badKey)
      throw new StorageError('invalid', 'The page contradicts itself.', { provider: 'memory', op: 'list' })
    return hasNext
  }
  return page
}

/** The bucket's keys as another bucket holds them under other names, so that they come in no order; token by token only. */
function scrambled(name: string): Storage {
  const storage = createMemoryStorage({ name })
  const objects = [...memoryBucket(name).from(Buffer.alloc(0))].sort((a, b) =>
    Buffer.from(a.key).reverse().compare(Buffer.from(b.key).reverse()),
  )
  return {
    ...storage,
    can: { ...storage.can, list_after: false, list_below: false, list_order: 'none' },
    async list({ token, entriesMax = 1000 }) {
      const from = Number(token ?? 0)
      const page = objects.slice(from, from + entriesMax)
      const isTruncated = from + page.length < objects.length
      return pageOf(page, { prefixes: [], token: isTruncated ? String(from + page.length) : undefined })
    },
  }
}
