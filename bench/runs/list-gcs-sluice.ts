// Lists a Cloud Storage bucket with our driver, one page after the other, every entry looked at.
import { generateKeyPairSync } from 'node:crypto'
import { Secret } from '#lib/secret.ts'
import { createGcsStorage } from '#storage/gcs/gcs.ts'
import { report, runArgs } from '../run-node.ts'

const { url } = runArgs<{ url: string }>()
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const account = { email: 'bench@project.iam.gserviceaccount.com', privateKey: new Secret(pem), privateKeyId: undefined }
const storage = createGcsStorage({ bucket: 'bench', standIn: url, login: { kind: 'key', account } })

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

// Once to have everything compiled, as the others have.
await list()
await report(list)
