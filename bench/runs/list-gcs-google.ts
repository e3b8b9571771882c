// Lists a Cloud Storage bucket with Google's own library, one page after the other: as files, or with `fields`, where it gives out the parsed JSON as it is.
import { type GetFilesOptions, Storage } from '@google-cloud/storage'
import { report, runArgs } from '../run-node.ts'

const { url, hasFields } = runArgs<{ url: string; hasFields: boolean }>()
const bucket = new Storage({ apiEndpoint: url, projectId: 'project' }).bucket('bench')
const fields = 'kind,nextPageToken,prefixes,items(bucket,name,size,generation,updated)'

interface Listed {
  readonly size?: string
  readonly metadata?: { readonly size?: string }
}

async function list(): Promise<{ units: number; bytes: number }> {
  let units = 0
  let bytes = 0
  let query: GetFilesOptions | null = { autoPaginate: false, maxResults: 1_000, ...(hasFields ? { fields } : {}) }
  while (query !== null) {
    const answer: unknown[] = await bucket.getFiles(query)
    for (const file of answer[0] as Listed[]) {
      units += 1
      bytes += Number(hasFields ? file.size : file.metadata?.size)
    }
    query = (answer[1] as GetFilesOptions | undefined) ?? null
  }
  return { units, bytes }
}

await list()
await report(list)
