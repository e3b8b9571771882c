import type { Client } from '#client/client.ts'
import { ItemPage } from '#contract/items.ts'
import type { Bucket } from './bucket.ts'

/** What `npm run demo -- --once --json` prints. */
export interface Outcome {
  /** Objects in the bucket. */
  readonly objects: number
  /** Items in the dataset. */
  readonly items: number
  /** Folder markers, objects in hidden folders, and keys that were skipped with a reason: not items. */
  readonly markers: number
  readonly hidden: number
  readonly skipped: number
  /** The sync, as its caller waited for it. */
  readonly seconds: number
  /** One item, and what its stream address answered. */
  readonly sample: { readonly filename: string; readonly streamStatus: number; readonly bytesEqual: boolean }
  /** Items whose bytes were streamed and compared, and how many were equal. */
  readonly streamed: { readonly compared: number; readonly equal: number }
  /** What does not add up, in words; empty when all is well. */
  readonly problems: readonly string[]
}

/** Whether every object is an item, or is accounted for, and every streamed byte was right. */
export function isComplete(outcome: Outcome): boolean {
  return outcome.problems.length === 0
}

const PAGE = 1000

/** Holds the dataset against the bucket, object by object and byte by byte, through the HTTP API. */
export async function compare(client: Client, datasetId: string, bucket: Bucket, seconds: number): Promise<Outcome> {
  const problems: string[] = []
  // The sync has left its own mark after it had listed.
  const keys = bucket.keys().filter((key) => !key.endsWith('/sluice-mark.txt'))
  const items = await listItems(client, datasetId)
  const run = (await client.listSyncs({ params: { datasetId } })).items[0]
  const { markers = 0, hidden = 0, skipped = 0 } = run?.counts ?? {}
  const skippedKeys = await listSkipped(client, datasetId)

  const isMarker = (key: string) => key.endsWith('/') && bucket.get(key)?.length === 0
  const isHidden = (key: string) => key.split('/').slice(0, -1).includes('.dataloop')
  const accounted = new Set(keys.filter((key) => isMarker(key) || isHidden(key) || skippedKeys.has(key)))
  const expected = new Map(keys.filter((key) => !accounted.has(key)).map((key) => [`/${key}`, key]))
  for (const [filename] of expected) if (!items.has(filename)) problems.push(`no item for ${JSON.stringify(filename)}`)
  for (const [filename] of items)
    if (!expected.has(filename)) problems.push(`no object for the item ${JSON.stringify(filename)}`)
  if (items.size + markers + hidden + skipped !== keys.length) {
    problems.push(
      `${items.size} items + ${markers} markers + ${hidden} hidden + ${skipped} skipped are not ${keys.length} objects`,
    )
  }

  const streams = []
  for (const [filename, id] of items)
    streams.push(await stream(client, { id, filename, bytes: bucket.get(expected.get(filename) ?? '') }))
  const read = streams.filter((each) => each.status !== REFUSED)
  for (const each of read)
    if (!each.bytesEqual) problems.push(`the bytes of ${JSON.stringify(each.filename)} differ (status ${each.status})`)
  // Keys with “.” parts are refused on purpose; anything else must come.
  for (const each of streams) {
    if (each.status === REFUSED && !/\/\.\.?(\/|$)/.test(each.filename))
      problems.push(`${JSON.stringify(each.filename)} cannot be streamed`)
  }
  const shown = streams.find((each) => each.filename.includes('😀')) ?? streams[0]
  if (shown === undefined) problems.push('there is no item at all')
  return {
    objects: keys.length,
    items: items.size,
    markers,
    hidden,
    skipped,
    seconds,
    sample: {
      filename: shown?.filename ?? '',
      streamStatus: shown?.status ?? 0,
      bytesEqual: shown?.bytesEqual ?? false,
    },
    streamed: { compared: read.length, equal: read.filter((each) => each.bytesEqual).length },
    problems,
  }
}

/** Every item's id by its full path. */
async function listItems(client: Client, datasetId: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (let page = 0; ; page++) {
    const body = {
      resource: 'items',
      filter: { $and: [{ type: 'file' }] },
      page,
      pageSize: PAGE,
      sort: { id: 'ascending' },
    }
    const answer = ItemPage.parse(await client.queryItems({ params: { datasetId }, body }))
    for (const item of answer.items) found.set(item.filename, item.id)
    if (!answer.hasNextPage) return found
  }
}

async function listSkipped(client: Client, datasetId: string): Promise<Set<string>> {
  const found = new Set<string>()
  let after: string | undefined
  do {
    const answer = await client.listSkipped({
      params: { datasetId },
      query: { limit: PAGE, ...(after === undefined ? {} : { after }) },
    })
    for (const each of answer.skipped) found.add(Buffer.from(each.keyB64, 'base64').toString('utf8'))
    after = answer.next ?? undefined
  } while (after !== undefined)
  return found
}

const REFUSED = 409

/** Asks for an item's stream, follows the redirect to the bucket, and compares. */
async function stream(client: Client, o: { id: string; filename: string; bytes: Buffer | undefined }) {
  const first = await client
    .streamItem({ params: { itemId: o.id }, redirect: 'manual' })
    .catch((error: { status?: number }) => ({
      status: error.status ?? 0,
      headers: new Headers(),
      arrayBuffer: async () => new ArrayBuffer(0),
    }))
  const location = first.headers.get('location')
  const body = await (location === null ? first : await fetch(location)).arrayBuffer()
  return {
    filename: o.filename,
    status: first.status,
    bytesEqual: o.bytes !== undefined && Buffer.from(body).equals(o.bytes),
  }
}
