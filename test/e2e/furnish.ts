// A project with something of everything in it, made through the API: for tests that look at full pages.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ItemPage } from '#contract/items.ts'
import { type Synced, waitForSyncs } from './synced.ts'

/** A folder on the server in which some entries cannot become items: links that lead out or nowhere, and a pipe. */
export async function makeOddFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-folder-'))
  const path = join(root, 'scans')
  await mkdir(path)
  await writeFile(join(root, 'outside.txt'), 'not for the dataset')
  await writeFile(join(path, 'scan 1.txt'), 'first')
  await symlink(join(root, 'outside.txt'), join(path, 'leads out.txt'))
  await symlink(join(path, 'nothing is here'), join(path, 'leads nowhere.txt'))
  await promisify(execFile)('mkfifo', [join(path, 'pipe')])
  return { path, remove: () => rm(root, { recursive: true, force: true }) }
}

/** What the pages are filled with besides the bucket's dataset. */
export interface Furniture {
  readonly orgId: string
  /** A dataset of the odd folder, synced; some of its files were skipped. */
  readonly oddDatasetId: string
}

/** Adds integrations of several kinds, a second driver, and datasets of every kind and state. */
export async function furnish({ client, projectId, driverId, datasetId }: Synced, folder: string): Promise<Furniture> {
  const [org] = await client.listOrgs()
  const params = { orgId: org!.id }
  await client.createIntegration({ params, body: { name: 'partner account', type: 'aws-cross', options: {} } })
  const secret = { key: 'LABELLING_TOKEN', value: 'a value that is sealed' }
  await client.createIntegration({ params, body: { name: 'labelling token', type: 'key_value', options: secret } })
  const spare = { key: 'AKIAUNUSED', secret: 'never used for anything' }
  await client.createIntegration({ params, body: { name: 'spare keys', type: 's3', options: spare } })
  const odd = await client.createDriver({
    body: {
      name: 'scans on the server',
      type: 'local',
      metadata: { system: { projectId } },
      payload: { rootPath: folder },
      allowExternalDelete: true,
    },
  })
  const makeDataset = (name: string, driver?: string) =>
    client.createDataset({
      body: { name, projects: [projectId], ...(driver && { driver, sync: true }), createDefaultRecipe: true },
    })
  const { id: oddDatasetId } = await makeDataset('scans', odd.id)
  await waitForSyncs(client, oddDatasetId)
  await makeDataset('uploads by hand')
  const held = await makeDataset('handed in')
  await client.updateDataset({ params: { datasetId: held.id }, body: { readonly: true } })
  const gone = await makeDataset('tried once', driverId)
  await waitForSyncs(client, gone.id)
  const targetDate = new Date(Date.now() + 7 * 86_400_000).toISOString()
  await client.deleteDataset({ params: { datasetId: gone.id }, query: { targetDate } })
  const clone = await client.cloneDataset({ params: { datasetId }, body: { name: 'street scenes, arranged' } })
  const isOver = async () => (await client.getCommand({ params: { commandId: clone.id } })).status === 'success'
  while (!(await isOver())) await new Promise((done) => setTimeout(done, 100))
  return { orgId: org!.id, oddDatasetId }
}

/** The id of an item by its path. */
export async function itemAt({ client }: Synced, datasetId: string, filename: string): Promise<string> {
  const body = { resource: 'items', filter: { filename }, page: 0, pageSize: 1 } as const
  const { items } = (await client.queryItems({ params: { datasetId }, body })) as ItemPage
  return items[0]!.id
}

const at = (x: number, y: number) => ({ x, y, z: 0 })

/** Draws one annotation of each common form over a picture of 320 by 240 pixels. */
export async function annotate({ client }: Synced, itemId: string): Promise<void> {
  const body = [
    { type: 'box', label: 'car', coordinates: [at(20, 30), at(120, 100)] },
    { type: 'ellipse', label: 'wheel', coordinates: { center: at(200, 60), rx: 40, ry: 25, angle: 20 } },
    { type: 'segment', label: 'road', coordinates: [[at(10, 220), at(150, 130), at(310, 220)]] },
    { type: 'polyline', label: 'lane', coordinates: [[at(160, 235), at(170, 180), at(175, 140)]] },
    { type: 'point', label: 'lamp', coordinates: at(280, 30) },
    { type: 'class', label: 'night' },
  ]
  await client.createAnnotations({ params: { itemId }, body })
}
