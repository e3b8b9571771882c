// A storage driver of one's own: buckets that are SQLite files in one folder of the server (docs/drivers.md). Of `sluice/storage` it imports types only. Copy it,
// give it another type, and put your storage where the SQL stands.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { addAbortSignal, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type {
  Capabilities,
  DriverKit,
  DriverModule,
  Entry,
  ListedObject,
  Storage,
  StorageErrorKind,
} from 'sluice/storage'

const provider = 'x-sqlite'

/** What every server looks for in a module. */
export const sluiceDriver: DriverModule = {
  api: 1,
  type: provider,
  label: 'SQLite file',
  secret: 'none',
  fields: [
    {
      name: 'database',
      label: 'Database',
      type: 'string',
      required: true,
      isPlace: true,
      // Users choose it: it must not lead out of the folder that the operator chose.
      pattern: /[a-z0-9][a-z0-9-]{0,62}/,
      wanted: 'Give the database’s name: small letters, digits and hyphens.',
    },
  ],
  open: ({ fields, kit }) => openSqlite(join(process.env.SQLITE_BUCKETS ?? '.', `${fields.database}.sqlite`), kit),
}

/** Facts, not hopes: whatever is false here is refused below, and nothing is tried that cannot be. */
const can: Capabilities = {
  list_after: true,
  list_below: true,
  list_page_max: 1000,
  list_order: 'utf8',
  read_range: true,
  write: true,
  write_if_absent: true,
  write_if_match: false,
  remove_if_match: true,
  remove_batch_max: 1000,
  sign_read: false,
  sign_write: false,
  sign_max_seconds: 0,
}

/** What the check tells to grant where something is refused. */
const rights = { list: 'select', read: 'select', write: 'insert', delete: 'delete' }

type Row = { key: Uint8Array; size: number; etag: string; modified: number }

function openSqlite(file: string, kit: DriverKit): Storage {
  const fail = (kind: StorageErrorKind, message: string, op: string, key?: string) =>
    new kit.StorageError(kind, message, { provider, op, key })

  // Connects with the first call: opening a driver must not fail because its storage is away.
  let opened: DatabaseSync | null = null
  function database(op: string): DatabaseSync {
    if (opened !== null) return opened
    if (!existsSync(file)) throw fail('unknown-bucket', 'There is no such database.', op)
    opened = new DatabaseSync(file)
    opened.exec('pragma journal_mode = wal; pragma synchronous = normal')
    opened.exec('create table if not exists object (key blob primary key, body blob, etag text, modified int)')
    return opened
  }

  /** Every call comes through here: stopped ones end as `aborted`, and what SQLite throws is no matter of the caller's. */
  async function call<T>(
    op: string,
    signal: AbortSignal | undefined,
    work: (db: DatabaseSync) => T | Promise<T>,
  ): Promise<T> {
    try {
      signal?.throwIfAborted()
      return await work(database(op))
    } catch (error) {
      if (signal?.aborted) throw fail('aborted', 'The work was stopped.', op)
      if (error instanceof kit.StorageError) throw error
      throw new kit.StorageError('unavailable', 'The database failed.', { provider, op, cause: error })
    }
  }

  const refuseSigning = (op: string): never => {
    throw fail('unsupported', 'A database signs no addresses.', op)
  }

  // A key is bytes; the only way to one that may be addressed is the kit's.
  const bytesOf = (key: string, op: string) => Buffer.from(kit.addressableKey(key, { provider, op }))
  const columns = 'key, ifnull(length(body), 0) as size, etag, modified'
  const rowOf = (db: DatabaseSync, bytes: Buffer) =>
    db.prepare(`select ${columns} from object where key = ?`).get(bytes) as unknown as Row | undefined
  const entryOf = (key: string, row: Row): Entry => ({
    key,
    sizeBytes: row.size,
    etag: row.etag,
    modifiedMs: row.modified,
  })

  /** Objects at or behind a key, in the order of bytes, in which SQLite compares blobs. */
  function* objectsFrom(db: DatabaseSync, start: Buffer): Generator<ListedObject> {
    const rows = db.prepare(`select ${columns} from object where key >= ? order by key`).iterate(start)
    for (const row of rows as unknown as Iterable<Row>)
      yield { key: Buffer.from(row.key), sizeBytes: row.size, etag: row.etag, modifiedMs: row.modified }
  }

  const storage: Storage = {
    provider,
    can,

    list: (query) =>
      call('list', query.signal, async (db) => {
        const selection = await kit.selectPage(query, can.list_page_max, (start) => objectsFrom(db, start))
        return kit.pageOf(selection.found, selection)
      }),

    async stat(key, { signal } = {}) {
      const bytes = bytesOf(key, 'stat')
      return call('stat', signal, (db) => {
        const row = rowOf(db, bytes)
        return row === undefined ? null : entryOf(key, row)
      })
    },

    async read(key, { range, ifMatch, signal } = {}) {
      const bytes = bytesOf(key, 'read')
      return call('read', signal, (db) => {
        const row = rowOf(db, bytes)
        if (row === undefined) throw fail('not-found', 'The database has no such object.', 'read', key)
        if (ifMatch !== undefined && ifMatch !== row.etag)
          throw fail('precondition-failed', 'It was replaced.', 'read', key)
        const { start, end } = kit.rangeOf(range, row.size, { provider, key })
        const select = db.prepare('select substr(body, ?, ?) as part from object where key = ?')
        const part = select.get(start + 1, end - start, bytes)
        const body = Buffer.from((part?.part ?? []) as Uint8Array)
        return { entry: entryOf(key, row), body: Readable.from([body]), bodyBytes: body.length }
      })
    },

    async write(key, body, { sizeBytes, ifAbsent, signal }) {
      const bytes = bytesOf(key, 'write')
      return call('write', signal, async (db) => {
        const content = await bodyOf(body, sizeBytes, signal).catch((cause) => {
          const facts = { provider, op: 'write', key, cause } as const
          throw new kit.StorageError('invalid', 'The body broke off, or was not as long as said.', facts)
        })
        signal?.throwIfAborted()
        const etag = createHash('md5').update(content).digest('hex')
        const verb = ifAbsent === true ? 'insert or ignore' : 'insert or replace'
        const insert = db.prepare(`${verb} into object (key, body, etag, modified) values (?, ?, ?, ?)`)
        if (insert.run(bytes, content, etag, Date.now()).changes === 0)
          throw fail('precondition-failed', 'There is such an object already.', 'write', key)
        return entryOf(key, rowOf(db, bytes)!)
      })
    },

    async remove(keys, { ifMatch, signal } = {}) {
      if (keys.length > can.remove_batch_max) throw fail('unsupported', 'These are too many at once.', 'remove')
      const all = keys.map((key) => ({ key, bytes: bytesOf(key, 'remove') }))
      return call('remove', signal, (db) =>
        all.map(({ key, bytes }) => {
          // One statement, so that nobody can write between looking and deleting.
          const remove = db.prepare('delete from object where key = ? and etag = ifnull(?, etag)')
          const gone = remove.run(bytes, ifMatch ?? null)
          if (gone.changes === 0 && rowOf(db, bytes) !== undefined)
            return { key, ok: false, error: fail('precondition-failed', 'It was replaced.', 'remove', key) }
          return { key, ok: true }
        }),
      )
    },

    signRead: () => refuseSigning('signRead'),
    signWrite: () => refuseSigning('signWrite'),

    check: (options) => kit.checkStorage(storage, options, { rights }),

    async close() {
      opened?.close()
      opened = null
    },
  }

  async function bodyOf(body: Readable | Buffer, sizeBytes: number, signal: AbortSignal | undefined): Promise<Buffer> {
    if (!Buffer.isBuffer(body)) return buffer(kit.exactBody(signal ? addAbortSignal(signal, body) : body, sizeBytes))
    if (body.length !== sizeBytes) throw new RangeError('another length')
    return body
  }
  return storage
}
