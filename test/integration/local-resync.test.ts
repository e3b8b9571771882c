// Proves that every odd file name a file system can hold goes unharmed through syncs of a folder on the server: what is an item, changes, goes and comes back
// is just that, and nothing is dropped in silence.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { readConfig } from '#config/config.ts'
import { continueSync } from '#core/sync/sync.ts'
import { openEgress } from '#storage/egress.ts'
import { openStorage } from '#storage/open.ts'
import { tortureResync } from '../conformance/torture.suite.ts'
import { withApi } from '../support/api.ts'
import { addDriver } from '../support/drivers.ts'

tortureResync({
  name: 'a local folder',
  async open(folder, wrap) {
    const root = await mkdtemp(join(tmpdir(), 'sluice-torture-'))
    const queued: number[] = []
    const api = await withApi({
      config: readConfig({ SLUICE_DATA_DIR: root, SLUICE_LOCAL_ROOTS: root }),
      queue: {
        enqueue: async (_tx, job, payload) => {
          if (job === 'sync.slice') queued.push((payload as { runNo: number }).runNo)
        },
      },
      openStorage: async (spec) => wrap(await openStorage(spec, openEgress)),
    })
    const projectId = await api.addProject()
    const driverId = await addDriver(api, {
      projectId,
      payload: { rootPath: root, path: folder, bucketName: undefined, region: undefined, storageClass: undefined },
      more: { type: 'local' },
    })
    const pathOf = (key: Buffer) => Buffer.concat([Buffer.from(`${root}/`), key])
    return {
      synced: {
        api,
        async addDataset() {
          const json = { name: 'torture', projects: [projectId], driver: driverId, sync: false }
          const { body, text } = await api.call(api.owner, 'POST', '/api/v1/datasets', { json })
          expect(text).toContain('"id"')
          return body.id
        },
        async work() {
          while (queued.length > 0) await continueSync(api.deps, queued.shift()!, new AbortController().signal)
        },
        close: () => api.close(),
      },
      async put(key, bytes) {
        const path = pathOf(key)
        await mkdir(path.subarray(0, path.lastIndexOf('/')), { recursive: true })
        await writeFile(path, bytes)
      },
      remove: (key) => rm(pathOf(key)),
      async close() {
        await api.close()
        await rm(root, { recursive: true, force: true })
      },
    }
  },
  canHold(key, held) {
    const name = key.toString('latin1')
    const parts = name.split('/')
    const isNamed = parts.every((part) => !['', '.', '..'].includes(part) && part.length <= 255 && !part.includes('\0'))
    // A file system has room for more, and takes its time: finding where a folder leads costs as much as it is deep.
    if (!isNamed || parts.length > 130) return false
    // A name is a file's or a folder's, not both.
    for (const other of held) if (other.startsWith(`${name}/`) || name.startsWith(`${other}/`)) return false
    return !/^(?:x\/.*%\/)?\.dataloop$/s.test(name)
  },
  pageSizes: [1, 3],
  otherSizes: [1000, 7, 61],
  hasMd5: false,
  aloneMax: 10,
})
