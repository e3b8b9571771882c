// Lists an Azure container with our driver, one page after the other, every entry looked at.
import { Secret } from '#lib/secret.ts'
import { createAzureStorage } from '#storage/azure/azure.ts'
import { report, runArgs } from '../run-node.ts'

const { url } = runArgs<{ url: string }>()
const accountKey = new Secret(Buffer.alloc(64, 7).toString('base64'))
const storage = createAzureStorage({
  account: 'account',
  container: 'bench',
  endpoint: url,
  credentials: { kind: 'account-key', accountKey },
})

async function list(): Promise<{ units: number; bytes: number }> {
  let units = 0
  let bytes = 0
  let token: string | undefined
  do {
    const page = await storage.list({ prefix: '', token })
    const { entries } = page
    while (entries.next()) {
      units += 1
      bytes += entries.sizeBytes
    }
    token = page.token
    page.release()
  } while (token !== undefined)
  return { units, bytes }
}

// Once to have everything compiled, as the other has.
await list()
await report(list)
