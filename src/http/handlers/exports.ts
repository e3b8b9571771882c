import type { exportRoutes } from '#contract/exports.ts'
import { getManifest, listExports, openExportFile, planFile, planParts, startExport } from '#core/exports/exports.ts'
import type { Handlers } from '../handler.ts'
import { renderCommand } from './commands.ts'

/** Exports of datasets. */
export const exportHandlers: Handlers<typeof exportRoutes> = {
  exportDataset: async (deps, { caller, access, body, baseUrl }) => {
    const lock = { isAsked: body.datasetLock === true, seconds: body.lockTimeoutSec ?? null }
    const command = await startExport(deps, caller, access.datasetNo!, planFile(body, baseUrl), lock)
    return renderCommand(command, baseUrl)
  },
  exportDatasetParts: async (deps, { caller, access, body, baseUrl }) => {
    const lock = { isAsked: false, seconds: null }
    const command = await startExport(deps, caller, access.datasetNo!, planParts(body, baseUrl), lock)
    return renderCommand(command, baseUrl)
  },
  getExportManifest: (deps, { access, params, baseUrl }) =>
    getManifest(deps, access.datasetNo!, params.exportId, baseUrl),
  getExportFile: async (deps, { access, params, reply }) => {
    const { body, sizeBytes, name } = await openExportFile(deps, access.datasetNo!, params.exportId, params.fileNo)
    // When the client goes away in the middle, the framework ends the stream, and with it what is read from the store.
    return reply
      .headers({
        'content-type': 'application/x-ndjson',
        'content-length': sizeBytes,
        'content-disposition': `attachment; filename="${name}"`,
      })
      .send(body)
  },
  listExports: async (deps, { caller, body }) => {
    const { projects, datasetId, sortBy, sortOrder } = body
    const records = await listExports(deps, caller, {
      projects: projects === undefined || projects === null ? null : [projects].flat(),
      datasetId: datasetId ?? null,
      sortBy: sortBy ?? null,
      sortOrder: sortOrder ?? null,
    })
    return {
      records: records.map((record) => ({
        ...record,
        commandId: record.id,
        createdAt: record.createdAt.toISOString(),
        updatedAt: record.updatedAt.toISOString(),
      })),
    }
  },
}
