import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { S3Client, StorageClass } from '@aws-sdk/client-s3'
import type { Key } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import { toStorageError } from './errors.ts'

/** How large a file is written in parts, and how large they are, in bytes. */
export interface PartRules {
  /** Larger files are written in parts. */
  readonly aboveBytes: number
  /** One part is in memory at a time, so that it can be sent again. S3 wants 5 MiB at least, of all but the last. */
  readonly partBytes: number
}

/**
 * What is usual. A connection that breaks costs 32 MiB then, not the whole file; and 10,000 parts, the most that S3 takes, are 312 GiB.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
export const USUAL_PARTS: PartRules = { aboveBytes: 256 * 1024 * 1024, partBytes: 32 * 1024 * 1024 }
/** Most parts of an object. */
const PARTS_MAX = 10_000
/** Tries of one part, the first included, and the first wait between them, doubled each time. */
const ATTEMPTS_MAX = 4
const FIRST_WAIT_MS = 250
/** Time for the whole of a part, and for putting all of them together, which AWS may take minutes for. */
const PART_MS = 10 * 60_000

/** An object that is written in parts. */
export interface UploadInParts {
  readonly bucket: string
  readonly key: Key
  readonly body: Readable
  readonly sizeBytes: number
  readonly contentType: string | undefined
  readonly storageClass: string | undefined
  readonly ifAbsent: boolean
  readonly partBytes: number
  /** Told the number of the upload before the first part is sent, so that what a crash leaves can be found. */
  readonly onStarted: ((uploadId: string) => Promise<void>) | undefined
  readonly signal: AbortSignal | undefined
}

type Sdk = { readonly commands: typeof import('@aws-sdk/client-s3'); readonly client: S3Client }
type Place = { readonly Bucket: string; readonly Key: string; readonly UploadId: string }

/**
 * Writes an object in parts: nothing is to be seen of it until all of it is there. Answers its etag. When it fails the parts are given up, which needs
 * `s3:AbortMultipartUpload`; without that right the bucket's own rule for unfinished uploads has to remove them.
 *
 * Throws what the SDK throws, and `StorageError('invalid')` for a body that is not as long as was said.
 */
export async function uploadInParts(sdk: Sdk, upload: UploadInParts): Promise<string> {
  const { commands, client } = sdk
  const { bucket: Bucket, key: Key, signal } = upload
  const started = await client.send(
    new commands.CreateMultipartUploadCommand({
      Bucket,
      Key,
      ContentType: upload.contentType,
      StorageClass: upload.storageClass as StorageClass | undefined,
    }),
    abortable(signal),
  )
  if (started.UploadId === undefined)
    throw new StorageError('not-a-storage', 'The storage gave no number for the upload.', at(Key))
  const place = { Bucket, Key, UploadId: started.UploadId }
  try {
    await upload.onStarted?.(place.UploadId)
    const parts = await sendParts(sdk, place, upload)
    return await complete(sdk, place, upload, parts)
  } catch (error) {
    await giveUp(sdk, place)
    throw error
  }
}

/** Gives up an upload that was started; nothing happens when it is not there any more. Throws what the SDK throws. */
export async function abortUpload({ commands, client }: Sdk, place: Place): Promise<void> {
  try {
    await client.send(new commands.AbortMultipartUploadCommand(place))
  } catch (error) {
    if ((error as { name?: string }).name !== 'NoSuchUpload') throw error
  }
}

interface SentPart {
  readonly PartNumber: number
  readonly ETag: string | undefined
  readonly md5: Buffer
}

async function sendParts(sdk: Sdk, place: Place, upload: UploadInParts): Promise<SentPart[]> {
  const partBytes = Math.max(upload.partBytes, Math.ceil(upload.sizeBytes / PARTS_MAX))
  const parts: SentPart[] = []
  let sent = 0
  for await (const body of partsOf(upload.body, partBytes)) {
    sent += body.length
    if (sent > upload.sizeBytes) break
    const PartNumber = parts.length + 1
    const ETag = await sendPart(sdk, place, PartNumber, body, upload.signal)
    parts.push({ PartNumber, ETag, md5: createHash('md5').update(body).digest() })
  }
  if (sent !== upload.sizeBytes)
    throw new StorageError('invalid', 'The body is not as long as was said.', at(place.Key))
  return parts
}

/** A body as pieces of the same size, the last one excepted; in memory is one of them. */
async function* partsOf(body: Readable, partBytes: number): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafe(partBytes)
  let filled = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    for (let from = 0; from < chunk.length; ) {
      const copied = chunk.copy(piece, filled, from)
      from += copied
      filled += copied
      if (filled < partBytes) continue
      yield piece
      // Not the same again: the connection may still hold it.
      piece = Buffer.allocUnsafe(partBytes)
      filled = 0
    }
  }
  if (filled > 0) yield piece.subarray(0, filled)
}

async function sendPart(
  { commands, client }: Sdk,
  place: Place,
  PartNumber: number,
  Body: Buffer,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      const command = new commands.UploadPartCommand({ ...place, PartNumber, Body, ContentLength: Body.length })
      return (await client.send(command, { ...abortable(signal), requestTimeout: PART_MS })).ETag
    } catch (error) {
      const failure = toStorageError(error, { op: 'write', key: place.Key })
      if (signal?.aborted || !failure.isTransient || attempt >= ATTEMPTS_MAX) throw error
      await sleep(FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2), undefined, signal && { signal })
    }
  }
}

/**
 * Puts the parts together. Where the answer is lost, it is looked whether they are: what is there has an etag that follows from the parts. It is looked as well
 * where the answer names no etag, which not every storage does.
 */
async function complete(sdk: Sdk, place: Place, upload: UploadInParts, parts: readonly SentPart[]): Promise<string> {
  const { commands, client } = sdk
  const { ifAbsent, sizeBytes, signal } = upload
  const command = new commands.CompleteMultipartUploadCommand({
    ...place,
    MultipartUpload: { Parts: parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })) },
    ...(ifAbsent && { IfNoneMatch: '*' }),
  })
  const digest = createHash('md5').update(Buffer.concat(parts.map(({ md5 }) => md5)))
  const expected = `${digest.digest('hex')}-${parts.length}`
  try {
    const done = await client.send(command, { ...abortable(signal), requestTimeout: PART_MS })
    // Ceph writes the element without a text.
    return unquoted(done.ETag || ((await lookAt(sdk, place, sizeBytes)) ?? expected))
  } catch (error) {
    if (signal?.aborted || !toStorageError(error, { op: 'write', key: place.Key }).isTransient) throw error
    if (unquoted((await lookAt(sdk, place, sizeBytes)) ?? '') !== expected) throw error
    return expected
  }
}

/** The etag of what is there; null where it is of another size, or may not be looked at. */
async function lookAt({ commands, client }: Sdk, { Bucket, Key }: Place, sizeBytes: number): Promise<string | null> {
  const there = await client.send(new commands.HeadObjectCommand({ Bucket, Key })).catch(() => null)
  return there?.ContentLength === sizeBytes ? (there.ETag ?? null) : null
}

/** That it could not be given up either says nothing new to whoever is told of the failure itself; who noted its number tries again later. */
async function giveUp(sdk: Sdk, place: Place): Promise<void> {
  await abortUpload(sdk, place).catch(() => {})
}

function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

function unquoted(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1')
}

function at(key: Key) {
  return { provider: 's3', op: 'write', key } as const
}
