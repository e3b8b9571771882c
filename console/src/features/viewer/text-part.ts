import type { Item } from '#contract/items.ts'
import { api } from '../../app/session.ts'
import { bytesAddress } from './bytes.ts'

/** Most bytes of a text that are fetched and shown; more makes browsers slow. */
export const TEXT_BYTES_MAX = 512 * 1024

/** The beginning of a file as text. */
export interface TextPart {
  readonly text: string
  /** There is more in the file. */
  readonly isCut: boolean
  /** It has bytes no text has. */
  readonly isBinary: boolean
}

/**
 * Fetches the beginning of a file: from the bucket itself, and where that lets no page read it (CORS), through the server. Throws the API's error, which says why
 * it cannot be had.
 */
export async function loadText(item: Item, signal: AbortSignal): Promise<TextPart> {
  // An empty file has no range that could be asked for.
  if (item.metadata.system.size === 0) return { text: '', isCut: false, isBinary: false }
  const bytes = (await fromBucket(item.id, signal)) ?? (await throughServer(item.id, signal))
  const size = item.metadata.system.size ?? 0
  return textOf(bytes.subarray(0, TEXT_BYTES_MAX), bytes.length > TEXT_BYTES_MAX || size > TEXT_BYTES_MAX)
}

// One more than is shown tells whether there is more.
const RANGE = { range: `bytes=0-${TEXT_BYTES_MAX}` }

/** Null where it did not work, for whatever reason: a page is not told. */
async function fromBucket(itemId: string, signal: AbortSignal): Promise<Uint8Array | null> {
  try {
    // By cookie: a header of ours would have the browser ask the bucket for its leave first.
    const answer = await fetch(bytesAddress(itemId), { headers: RANGE, signal })
    return answer.ok ? await read(answer) : null
  } catch (error) {
    if (signal.aborted) throw error
    return null
  }
}

async function throughServer(itemId: string, signal: AbortSignal): Promise<Uint8Array> {
  return await read(await api.streamItem({ params: { itemId }, query: { through: 'server' }, headers: RANGE, signal }))
}

/** Reads no more than is needed, also of a server that knows no ranges. */
async function read(answer: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  const reader = answer.body?.getReader()
  while (reader !== undefined && length <= TEXT_BYTES_MAX) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
    length += value.length
  }
  await reader?.cancel()
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Bytes as text: UTF-8, or UTF-16 where it begins with its mark. A character that the cut goes through is left out. */
export function textOf(bytes: Uint8Array, isCut: boolean): TextPart {
  const [first, second] = bytes
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
  const text = new TextDecoder(encoding).decode(bytes, { stream: isCut })
  return { text, isCut, isBinary: text.includes('\0') }
}
