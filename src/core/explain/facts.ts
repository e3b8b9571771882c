import type { KeyReading } from '#contract/explain.ts'
import { type Place, placeOf, type Sighting } from '#core/catalog/catalog.ts'
import { type CompiledPatterns, compilePatterns, syncSettingsOf } from '#core/patterns/patterns.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import type { Deps } from '../deps.ts'

/** A dataset as far as explaining goes. */
export interface ExplainedDataset {
  readonly datasetNo: number
  readonly driverId: string | null
  readonly sourceNo: number | null
  readonly folder: string
  readonly patterns: CompiledPatterns | null
  /** Its unfinished sync. */
  readonly running: RunFacts | null
  /** Its last sync that has ended, whatever came of it. */
  readonly last: RunFacts | null
  /** Its last sync that has seen everything. */
  readonly complete: RunFacts | null
}

/** A sync as far as explaining goes. */
export interface RunFacts {
  readonly runNo: number
  readonly commandId: string
  readonly state: string
  readonly phase: string
  readonly errorCode: string | null
  readonly overQuota: number
  readonly atMs: number
}

/** One way to understand what somebody typed. */
export interface Candidate {
  readonly reading: KeyReading
  readonly key: Buffer
  readonly place: Place
}

/** What the database knows of a key. */
export interface Known {
  readonly item: { id: string; itemNo: string; state: number; flags: number; missingMs: number | null } | null
  readonly removed: { id: string; reason: string; removedMs: number } | null
  readonly skipped: { reason: string; foundMs: number } | null
  readonly dirty: { errorCode: string | null; attempts: number } | null
}

/** What the storage says of a key now. */
export type Asked = { readonly sighting: Sighting | null } | { readonly errorCode: string } | null

/** Everything that an explanation is made of. */
export interface Facts extends Candidate, Known {
  readonly dataset: ExplainedDataset
  readonly asked: Asked
  /** The unfinished sync has not come to the key yet. */
  readonly isAhead: boolean
}

const runColumns = `json_build_object('runNo', r.run_no, 'commandId', r.command_id, 'state', r.state, 'phase', r.phase, 'errorCode', r.error_code,
  'overQuota', r.over_quota, 'atMs', (extract(epoch from coalesce(r.finished_at, r.created_at)) * 1000)::float8)`

/** Reads a dataset and its syncs; throws `dataset.not_found`. */
export async function readDataset(db: Db, datasetNo: number): Promise<ExplainedDataset> {
  const run = (condition: string) =>
    `(select ${runColumns} from sync_run r where r.dataset_no = d.dataset_no and ${condition} order by r.run_no desc limit 1)`
  const { rows } = await db.query<
    Omit<ExplainedDataset, 'patterns' | 'folder'> & { folder: string | null; options: unknown }
  >(
    `select d.dataset_no as "datasetNo", d.driver_id as "driverId", v.source_no as "sourceNo", v.folder, d.options,
            ${run(`r.state in ('queued', 'running', 'paused', 'parked')`)} as running,
            ${run(`r.state in ('success', 'failed', 'canceled')`)} as last,
            ${run(`r.state = 'success' and r.options->>'dryRun' is null`)} as complete
       from dataset d left join driver v on v.id = d.driver_id where d.dataset_no = $1`,
    [datasetNo],
  )
  const row = rows[0]
  if (row === undefined) throw new AppError('dataset.not_found')
  return { ...row, folder: row.folder ?? '', patterns: compilePatterns(syncSettingsOf(row.options)) }
}

/** The ways in which a key may be meant, the likeliest first; each lies in the driver's folder. */
export function candidatesOf(deps: Deps, folder: string, typed: string): Candidate[] {
  const candidates: Candidate[] = []
  const add = (reading: KeyReading, key: string) => {
    const bytes = Buffer.from(key)
    if (key.length <= folder.length || candidates.some((known) => known.key.equals(bytes))) return
    const place = placeOf(Buffer.from(key.slice(folder.length)), deps.config.hiddenFolder)
    candidates.push({ reading, key: bytes, place })
  }
  if (typed.startsWith(folder)) add('full-key', typed)
  if (typed.startsWith(`/${folder}`) && folder !== '') add('full-key', typed.slice(1))
  // People copy paths from lists, where they begin with a slash; keys that really do are rare.
  if (typed.startsWith('/')) add('path-after-slash', folder + typed.slice(1))
  add('path', folder + typed)
  return candidates
}

/** Reads what the database knows of a key. */
export async function readKnown(db: Db, dataset: ExplainedDataset, { key, place }: Candidate): Promise<Known> {
  const { path, name } = place.kind === 'item' ? place : { path: null, name: null }
  const { rows } = await db.query<Known>(
    `select (select json_build_object('itemNo', i.item_no::text, 'id', lpad(to_hex(i.dataset_no), 8, '0') || lpad(to_hex(i.item_no), 16, '0'),
                                      'state', i.state, 'flags', i.flags, 'missingMs', (extract(epoch from i.missing_at) * 1000)::float8)
               from item i where i.dataset_no = $1 and i.dir_no = f.dir_no and i.name = $3) as item,
            (select json_build_object('id', lpad(to_hex(r.dataset_no), 8, '0') || lpad(to_hex(r.item_no), 16, '0'), 'reason', r.reason,
                                      'removedMs', (extract(epoch from r.removed_at) * 1000)::float8)
               from removed r where r.dataset_no = $1 and r.dir_no = f.dir_no and r.name = $3 and r.item_no is not null) as removed,
            (select json_build_object('reason', s.reason, 'foundMs', (extract(epoch from s.found_at) * 1000)::float8)
               from skipped s where s.dataset_no = $1 and s.key_sha256 = sha256($4)) as skipped,
            (select json_build_object('errorCode', y.error_code, 'attempts', y.attempts)
               from dirty y where y.source_no = $5 and y.key_sha256 = sha256($4)) as dirty
       from (select 1) one left join dir f on f.dataset_no = $1 and f.path = $2`,
    [dataset.datasetNo, path, name, key, dataset.sourceNo],
  )
  return rows[0]!
}

/** Whether the dataset's unfinished sync has still to come to the key. */
export async function isAheadOf(db: Db, run: RunFacts | null, key: Buffer): Promise<boolean> {
  if (run === null || run.phase !== 'listing') return false
  const { rows } = await db.query<{ begun: boolean; ahead: boolean }>(
    `select count(*) > 0 as begun,
            coalesce(bool_or(not is_done and from_key < $2 and (to_key is null or to_key >= $2) and cursor < $2), false) as ahead
       from sync_range where run_no = $1`,
    [run.runNo, key],
  )
  return !rows[0]!.begun || rows[0]!.ahead
}

/** Whether the dataset has the outermost folder of a place, or the place is in the root, which it always has. */
export async function hasTopFolder(db: Db, datasetNo: number, place: Place): Promise<boolean> {
  if (place.kind !== 'item') return true
  // A slash at the end is part of a name, and of a folder that somebody means.
  const path = place.path + place.name
  const slash = path.indexOf('/')
  if (slash < 0) return true
  const { rows } = await db.query<{ found: boolean }>(
    'select exists (select 1 from dir where dataset_no = $1 and path = $2) as found',
    [datasetNo, path.slice(0, slash + 1)],
  )
  return rows[0]!.found
}
