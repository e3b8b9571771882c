import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { bodyOf, conditionsOf, type FakeGcs, pick, sendJson } from './gcs.ts'
import { type FakeBucket, NamedFailure } from './gcs-bucket.ts'

interface Session {
  readonly bucket: FakeBucket
  readonly key: string
  readonly document: { readonly contentType?: string; readonly storageClass?: string }
  readonly conditions: { ifGenerationMatch?: string }
  readonly fields: string | null
  arrived: Buffer
}

/** Google takes pieces of this size, and multiples of it, into a session. */
const STEP_BYTES = 256 * 1024

/** Resumable uploads of the fake. https://cloud.google.com/storage/docs/performing-resumable-uploads */
export class UploadSessions {
  readonly #fake: FakeGcs
  readonly #sessions = new Map<string, Session>()

  constructor(fake: FakeGcs) {
    this.#fake = fake
  }

  async open(
    bucket: FakeBucket,
    may: (permission: string) => void,
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<void> {
    const text = (await bodyOf(request)).toString()
    const document = (text === '' ? {} : JSON.parse(text)) as Session['document'] & { readonly name?: string }
    const key = url.searchParams.get('name') ?? document.name ?? ''
    if (bucket.get(key) !== undefined) may('storage.objects.delete')
    const conditions = conditionsOf(url.searchParams)
    if (conditions.ifGenerationMatch === '0' && bucket.get(key) !== undefined) {
      throw new NamedFailure(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.')
    }
    const id = randomBytes(16).toString('hex')
    const fields = url.searchParams.get('fields')
    this.#sessions.set(id, { bucket, key, document, conditions, fields, arrived: Buffer.alloc(0) })
    const address = `${this.#fake.endpoint}${url.pathname}?uploadType=resumable&upload_id=${id}`
    response.writeHead(200, { location: address, 'content-length': '0' }).end()
  }

  async answer(id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const session = this.#sessions.get(id)
    if (session === undefined) throw new NamedFailure(404, 'notFound', 'There is no such upload.')
    if (request.method === 'DELETE') {
      this.#sessions.delete(id)
      response.writeHead(499, { 'content-length': '0' }).end()
      return
    }
    const asked = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/.exec(request.headers['content-range'] ?? '')
    if (asked === null) throw new NamedFailure(400, 'invalid', 'No range.')
    const total = Number(asked[3])
    if (asked[1] !== undefined) {
      if (Number(asked[1]) !== session.arrived.length) throw new NamedFailure(400, 'invalid', 'Not where it ended.')
      if (this.#fake.uploadsToBreak > 0) {
        this.#fake.uploadsToBreak--
        const body = await bodyOf(request)
        const kept = body.subarray(0, Math.floor(body.length / 2 / STEP_BYTES) * STEP_BYTES)
        session.arrived = Buffer.concat([session.arrived, kept])
        response.destroy()
        return
      }
      session.arrived = Buffer.concat([session.arrived, await bodyOf(request)])
    } else {
      await bodyOf(request)
    }
    const { arrived, bucket, key, document, conditions, fields } = session
    if (arrived.length === total) {
      this.#sessions.delete(id)
      const made = bucket.put(key, arrived, { ...document, ...conditions })
      sendJson(response, pick(bucket.document(made), fields))
      return
    }
    if (arrived.length % STEP_BYTES !== 0) throw new NamedFailure(400, 'invalid', 'A piece of a wrong size.')
    const range = arrived.length === 0 ? {} : { range: `bytes=0-${arrived.length - 1}` }
    response.writeHead(308, { ...range, 'content-length': '0' }).end()
  }
}
