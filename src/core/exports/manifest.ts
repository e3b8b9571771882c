import type { Readable } from 'node:stream'
import type { ExportManifest } from '#contract/exports.ts'
import type { Deps } from '#core/deps.ts'
import type { Db } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { listParts, openPart, type Part } from './parts.ts'
import type { ExportPlan } from './request.ts'
import { KEPT_DAYS } from './task.ts'

interface Row {
  version: number
  from: number | null
  records: number
  request: ExportPlan
  ended: Date
  created: Date
  dataset_id: string
}

async function findExport(db: Db, datasetNo: number, exportId: string): Promise<Row> {
  const { rows } = await db.query<Row>(
    `select t.version, t.base_version as from, t.records, t.request, c.updated_at as ended, t.created_at as created, d.id as dataset_id
       from export_task t join command c on c.id = t.command_id join dataset d on d.dataset_no = t.dataset_no
      where t.command_id = $1 and t.dataset_no = $2 and c.status = 'success' and t.request ->> 'form' = 'parts'
        and t.created_at > now() - make_interval(days => $3)`,
    [exportId, datasetNo, KEPT_DAYS],
  )
  if (rows[0] === undefined) throw new AppError('export.not_found')
  return rows[0]
}

const fileName = (part: Part) => `part-${String(part.partNo).padStart(5, '0')}.ndjson`

/** The list of an export's files, as the SDK reads it; throws `export.not_found`, also when the files are not kept any more. */
export async function getManifest(
  deps: Deps,
  datasetNo: number,
  exportId: string,
  baseUrl: string,
): Promise<ExportManifest> {
  const row = await findExport(deps.db, datasetNo, exportId)
  const parts = await listParts(deps.db, exportId, 'file')
  const pathOf = (part: Part) => `/api/v1/datasets/${row.dataset_id}/exports/${exportId}/files/${part.partNo}`
  return {
    manifestVersion: '1.0',
    exportId,
    datasetId: row.dataset_id,
    exportedAt: row.ended.toISOString(),
    format: 'ndjson',
    version: { fromVersion: row.from, toVersion: row.version },
    filters: { itemsQuery: row.request.items },
    metadata: { mode: row.from === null ? 'full' : row.request.mode },
    partitioning: {
      partitionCount: parts.length,
      partitions: parts.map((part) => ({
        index: part.partNo,
        hash: part.md5,
        itemCount: part.records,
        filePath: pathOf(part),
        fileSize: part.sizeBytes,
        url: `${baseUrl}${pathOf(part)}`,
      })),
    },
    statistics: {
      totalRecords: row.records,
      totalBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
      fileCount: parts.length,
      processingTimeMs: Math.max(0, row.ended.getTime() - row.created.getTime()),
    },
    files: parts.map((part) => ({
      size: part.sizeBytes,
      format: 'ndjson',
      compression: 'none',
      url: `${baseUrl}${pathOf(part)}`,
      checksum: Buffer.from(part.md5, 'hex').toString('base64'),
      filename: fileName(part),
      path: pathOf(part),
    })),
  }
}

/** Opens one file of an export; throws `export.not_found`. */
export async function openExportFile(
  deps: Deps,
  datasetNo: number,
  exportId: string,
  fileNo: number,
): Promise<{ readonly body: Readable; readonly sizeBytes: number; readonly name: string }> {
  await findExport(deps.db, datasetNo, exportId)
  const part = (await listParts(deps.db, exportId, 'file')).find(({ partNo }) => partNo === fileNo)
  if (part === undefined) throw new AppError('export.not_found')
  return { body: await openPart(deps, part), sizeBytes: part.sizeBytes, name: fileName(part) }
}
