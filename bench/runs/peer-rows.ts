import { createPool, type DbPool } from '#db/connect.ts'
import { packEtag } from '#lib/etag.ts'
import type { EntryCursor } from '#storage/port.ts'
import type { WalkTarget } from './bucket-walk.ts'

/** What a run that brings an index of another making up to date is given. */
export interface PeerArgs extends WalkTarget {
  readonly databaseUrl: string
  /** Where its copy of the tables `dir` and `item` is. */
  readonly schema: string
  readonly datasetNo: number
  /** Grows from run to run. */
  readonly generation: number
}

/** One listed object as the tables hold it. */
export interface PeerRow {
  readonly dirNo: number
  readonly name: string
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** What `packEtag` gives, in hex. */
  readonly etagHex: string
}

/** Opens the database and knows its folders by path, which makes rows of listed objects. */
export class PeerTables {
  readonly pool: DbPool
  readonly #numbers: ReadonlyMap<string, number>
  #path = ''
  #dirNo = 1

  private constructor(pool: DbPool, numbers: ReadonlyMap<string, number>) {
    this.pool = pool
    this.#numbers = numbers
  }

  static async open({ databaseUrl, schema, datasetNo }: PeerArgs): Promise<PeerTables> {
    const pool = createPool(databaseUrl, { connectionsMax: 1, applicationName: 'sluice-bench-peer' })
    const { rows } = await pool.query<{ path: string; no: number }>(
      `select path, dir_no as no from ${schema}.dir where dataset_no = $1`,
      [datasetNo],
    )
    return new PeerTables(pool, new Map(rows.map((row) => [row.path, row.no])))
  }

  /** The row of an object. Folders are never new: what comes in later comes into folders that are there. */
  row(e: EntryCursor): PeerRow {
    const key = e.keyBytes.toString('utf8', e.keyStart, e.keyEnd)
    const nameStart = key.lastIndexOf('/') + 1
    const path = key.slice(0, nameStart)
    if (path !== this.#path) {
      const known = this.#numbers.get(path)
      if (known === undefined) throw new Error(`the folder ${path} is not in the table`)
      this.#path = path
      this.#dirNo = known
    }
    const etag = e.etagBytes.toString('latin1', e.etagStart, e.etagEnd)
    return {
      dirNo: this.#dirNo,
      name: key.slice(nameStart),
      sizeBytes: e.sizeBytes,
      modifiedMs: e.modifiedMs,
      etagHex: etag.length === 32 ? etag : packEtag(etag).toString('hex'),
    }
  }
}
