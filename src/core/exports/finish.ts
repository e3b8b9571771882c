import { Readable } from 'node:stream'
import { createDatasetIn } from '#core/datasets/datasets.ts'
import type { Caller, Deps } from '#core/deps.ts'
import { receive } from '#core/objects/objects.ts'
import { uploadFile } from '#core/uploads/uploads.ts'
import { withTransaction } from '#db/connect.ts'
import { type ZipEntry, zipOf } from '#lib/zip.ts'
import { BareNames, entryName, type Named } from './entry-name.ts'
import { keepPart, linesOf, listParts, type Part, savePart } from './parts.ts'
import type { ExportPlan } from './request.ts'

/** An export whose rows are all read. */
export interface ReadExport {
  readonly commandId: string
  readonly datasetId: string
  readonly projectId: string
  readonly caller: Caller
  readonly plan: ExportPlan
  readonly records: number
}

/** Rows of a file of an export in parts, where nobody asked for a number of files. */
const FILE_RECORDS = 50_000

/** Makes the one file of an export and puts it into the project's hidden dataset as an item; answers its id. The same again gives the same item. */
export async function makeFile(deps: Deps, done: ReadExport): Promise<string> {
  const parts = await listParts(deps.db, done.commandId, 'rows')
  const isList = done.plan.form === 'list'
  const body = isList ? listOf(linesOf(deps, parts)) : zipOf(treeOf(deps, done, parts))
  const arrived = await receive(deps, Readable.from(body))
  const datasetNo = await findBinaries(deps, done.caller, done.projectId)
  const extension = isList ? 'json' : 'zip'
  const upload = {
    path: `/${deps.config.hiddenFolder}/exports/${done.datasetId}/${done.commandId}.${extension}`,
    contentType: `application/${extension}`,
    mode: 'overwrite' as const,
    arrived,
  }
  const { item } = await uploadFile(deps, done.caller, datasetNo, upload, done.plan.baseUrl)
  return item.id
}

/** The project's hidden dataset; a project that is older than those gets it now. */
async function findBinaries(deps: Deps, caller: Caller, projectId: string): Promise<number> {
  const { rows } = await deps.db.query<{ no: number }>(
    `select dataset_no as no from dataset where project_id = $1 and is_system order by (name = 'Binaries') desc, dataset_no limit 1`,
    [projectId],
  )
  if (rows[0] !== undefined) return rows[0].no
  const hidden = { name: 'Binaries', projectId, driverId: null, isSystem: true }
  return withTransaction(deps.db, (tx) => createDatasetIn(deps, tx, caller, hidden))
}

async function* listOf(lines: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let before = '[\n'
  for await (const line of lines) {
    yield Buffer.concat([Buffer.from(before), line])
    before = ',\n'
  }
  yield Buffer.from(before === ',\n' ? '\n]\n' : '[]\n')
}

/** A file an item. Of the first version the names are gone through once before: whether one can do without its extension depends on all others. */
async function* treeOf(deps: Deps, { plan, records }: ReadExport, parts: readonly Part[]): AsyncGenerator<ZipEntry> {
  const bare = plan.keepsExtension ? null : new BareNames(records)
  if (bare !== null) for await (const line of linesOf(deps, parts)) bare.add(namedIn(line))
  for await (const line of linesOf(deps, parts)) {
    const named = namedIn(line)
    yield { name: bare === null ? entryName(named.filename, true) : bare.nameOf(named), body: line }
  }
}

function namedIn(line: Buffer): Named {
  return JSON.parse(line.toString()) as Named
}

/** Makes the files of an export in parts, each with about as many rows as the others. */
export async function makeFiles(deps: Deps, { commandId, plan, records }: ReadExport): Promise<Part[]> {
  const asked = plan.partitionCount ?? Math.ceil(records / FILE_RECORDS)
  const count = Math.min(asked, records)
  const lines = linesOf(deps, await listParts(deps.db, commandId, 'rows'))
  for (let partNo = 0; partNo < count; partNo++) {
    const wanted = Math.floor(((partNo + 1) * records) / count) - Math.floor((partNo * records) / count)
    const kept = await keepPart(deps, take(lines, wanted))
    await savePart(deps.db, commandId, 'file', { ...kept, partNo, records: wanted })
  }
  return await listParts(deps.db, commandId, 'file')
}

/** The next lines with their ends. Asked by hand: leaving a loop over the lines would end them. */
async function* take(lines: AsyncGenerator<Buffer>, count: number): AsyncGenerator<Buffer> {
  for (let left = count; left > 0; left--) {
    const { value, done } = await lines.next()
    if (done === true) return
    yield Buffer.concat([value, Buffer.from('\n')])
  }
}
