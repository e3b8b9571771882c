import type { PageMemory } from '../http/page-memory.ts'
import { keyFault, type PageBounds, prefixFault, ScannedPage } from '../http/scanned-page.ts'
import type { ListPage } from '../port.ts'
import { invalidAnswer } from './fault.ts'
import { ListingScanner } from './scan.ts'

/** What was asked, to hold the answer against. */
export interface ListQuestion extends PageBounds {
  readonly bucket: string
  /** With it, `after` may be given too: then it is the last key of the page before. */
  readonly token?: string | undefined
}

/**
 * Reads an answer of `objects.list` of status 200 and holds it against the question (§2.1 of the safety design): a page that is cut, foreign,
 * contradictory or out of order is `StorageError('invalid')`, a web page or an empty body `('not-a-storage')`, and never a short success.
 *
 * For `gcs.ts`. `memory.body` holds the answer in its first `lengthBytes` bytes. Google's `startOffset` is inclusive: an entry of the very key that was to
 * be listed after is left out, so such a page holds one entry fewer. `giveBack` is called once, by `release()`.
 */
export function openListPage(
  memory: PageMemory,
  lengthBytes: number,
  question: ListQuestion,
  giveBack: (memory: PageMemory) => void,
): ListPage {
  const scanner = new ListingScanner(memory, lengthBytes, question.bucket)
  scanner.scan()
  const { count, prefixes, token } = scanner
  if (token !== undefined && token === question.token) throw invalidAnswer('it would go on at the place it came from')
  const first = question.token === undefined && beginsWith(memory, count, question.after) ? 1 : 0
  const bounds = first === 0 ? question : { ...question, after: undefined }
  const fault = keyFault(memory, count, bounds) ?? prefixFault(prefixes, question)
  if (fault !== null) throw invalidAnswer(fault)
  return new ScannedPage(memory, { count, first, prefixes, isTruncated: token !== undefined, token }, giveBack)
}

function beginsWith(memory: PageMemory, count: number, after: Buffer | undefined): boolean {
  return count > 0 && after !== undefined && after.equals(memory.body.subarray(memory.keyStart[0]!, memory.keyEnd[0]!))
}
