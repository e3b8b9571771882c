import type { Capabilities } from '../port.ts'
import { StorageError } from '../storage-error.ts'
import type { S3Objects } from './objects.ts'

/** What S3-compatible storages differ in, and what a check finds out by trying. */
export type ProbedCapability = 'write_if_absent' | 'remove_if_match'

/** An entity tag that no object has. */
const NOBODYS_ETAG = '00000000000000000000000000000000'

/**
 * Finds out, on the test file of a check, which conditions an S3-compatible storage really heeds: many take them and do not look at them.
 *
 * Only the refusal that S3's documents promise counts; whatever else comes of it, the condition is taken to be missing. Never throws. Where the condition
 * of the DELETE is overlooked, the test file is gone afterwards.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
 */
export async function probeConditions(
  objects: S3Objects,
  key: string,
  content: Buffer,
  signal: AbortSignal | undefined,
): Promise<Pick<Capabilities, ProbedCapability>> {
  const isHeeded = async (attempt: () => Promise<unknown>) => {
    try {
      await attempt()
      return false
    } catch (error) {
      return error instanceof StorageError && error.kind === 'precondition-failed'
    }
  }
  const write_if_absent = await isHeeded(() =>
    objects.write(key, content, { sizeBytes: content.length, ifAbsent: true, signal }),
  )
  const remove_if_match = await isHeeded(() => objects.removeIf(key, NOBODYS_ETAG, { signal }))
  return { write_if_absent, remove_if_match }
}
