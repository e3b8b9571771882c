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
 * Reads a ListObjectsV2 answer of status 200 and holds it against the question (§2.1 of the safety design): a page that is cut, foreign,
 * contradictory or out of order is `StorageError('invalid')`, a web page or an empty body `('not-a-storage')`, and never a short success.
 *
 * For `s3.ts`. `memory.body` holds the answer in its first `lengthBytes` bytes. All checks are done when it returns, so the page's cursor
 * does not throw any more. `giveBack` is called once, by `release()`. It scans well over a million keys a second on one core.
 */
export function openListPage(
  memory: PageMemory,
  lengthBytes: number,
  question: ListQuestion,
  giveBack: (memory: PageMemory) => void,
): ListPage {
  const scanner = new ListingScanner(memory, lengthBytes)
  scanner.scan()
  const { head, count, prefixes } = scanner
  checkQuestion(scanner, question)
  const isTruncated = truthOf(head.get('IsTruncated'))
  const token = head.get('NextContinuationToken')?.toString() || undefined
  if (isTruncated !== (token !== undefined)) throw invalidAnswer('it does not say clearly whether more follows')
  if (token !== undefined && token === question.token) throw invalidAnswer('it would go on at the place it came from')
  const keyCount = head.get('KeyCount')
  if (keyCount !== undefined && keyCount.toString('latin1') !== String(count + prefixes.length)) {
    throw invalidAnswer('it does not hold as many keys as it says')
  }
  const fault = keyFault(memory, count, question) ?? prefixFault(prefixes, question)
  if (fault !== null) throw invalidAnswer(fault)
  return new ScannedPage(memory, { count, prefixes, isTruncated, token }, giveBack)
}

function checkQuestion(scanner: ListingScanner, question: ListQuestion): void {
  const name = scanner.head.get('Name')
  if (name?.toString() !== question.bucket) throw invalidAnswer('it is of another bucket')
  const echo = scanner.head.get('Prefix') ?? Buffer.alloc(0)
  // Ceph echoes the prefix as it was asked even where it encodes keys, so either reading of the echo will do; the keys are checked besides.
  if (
    !echo.equals(question.prefix) &&
    !(scanner.isUrlEncoded && urlDecoded(echo) === question.prefix.toString('latin1'))
  ) {
    throw invalidAnswer('it is of another folder')
  }
}

function urlDecoded(text: Buffer): string {
  return text
    .toString('latin1')
    .replaceAll('+', ' ')
    .replace(/%([0-9a-fA-F]{2})/g, (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function truthOf(text: Buffer | undefined): boolean {
  const said = text?.toString('latin1')
  if (said !== 'true' && said !== 'false') throw invalidAnswer('it does not say whether more follows')
  return said === 'true'
}
