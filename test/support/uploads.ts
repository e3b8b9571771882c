// Short ways to send files to datasets, in the very shape of the SDK's forms.
import { expect } from 'vitest'
import type { Actor, Answer, TestApi } from './api.ts'

/** A file to be sent; `mode` as in the SDK. */
export interface Sending {
  readonly path: string
  readonly bytes?: Buffer | string
  readonly contentType?: string
  readonly metadata?: unknown
  readonly description?: string
  readonly mode?: 'skip' | 'overwrite'
  readonly actor?: Actor
}

/** Body and content type of the SDK's form, its fields in its order. */
export async function uploadForm(sending: Sending): Promise<{ payload: Buffer; contentType: string }> {
  const form = new FormData()
  form.append('type', 'file')
  form.append('path', sending.path)
  if (sending.metadata !== undefined) form.append('metadata', JSON.stringify(sending.metadata))
  if (sending.description !== undefined) form.append('description', sending.description)
  const type = sending.contentType ?? 'application/octet-stream'
  const bytes = Buffer.from(sending.bytes ?? '')
  form.append('file', new Blob([new Uint8Array(bytes)], { type }), sending.path.split('/').at(-1))
  const response = new Response(form)
  return {
    payload: Buffer.from(await response.arrayBuffer()),
    contentType: response.headers.get('content-type')!,
  }
}

/** Uploads a file and gives the answer, whatever it is. */
export async function sendFile(api: TestApi, datasetId: string, sending: Sending): Promise<Answer> {
  const mode = sending.mode === undefined ? '' : `?mode=${sending.mode}`
  const url = `/api/v1/datasets/${datasetId}/items${mode}`
  return api.call(sending.actor ?? api.owner, 'POST', url, await uploadForm(sending))
}

/** The same, and it must succeed; answers the item. */
export async function putFile(api: TestApi, datasetId: string, sending: Sending): Promise<Answer['body']> {
  const answer = await sendFile(api, datasetId, sending)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

/** Makes a dataset on the platform's own storage, or on a driver; answers its id. */
export async function addDataset(api: TestApi, projectId: string, driver?: string): Promise<string> {
  const json = {
    name: `d${Math.random()}`,
    projects: [projectId],
    createDefaultRecipe: false,
    sync: false,
    ...(driver && { driver }),
  }
  const answer = await api.call(api.owner, 'POST', '/api/v1/datasets', { json })
  expect(answer.status, answer.text).toBe(200)
  return answer.body.id
}
