import { malformedAnswer, networkFailure } from '../http/failures.ts'
import type { PageMemory } from '../http/page-memory.ts'
import { ScannedPage } from '../http/scanned-page.ts'
import type { ListPage } from '../port.ts'
import { BlobScanner } from './scan.ts'

/** What was asked, to hold the answer against. */
export interface BlobListQuestion {
  readonly container: string
  readonly prefix: Buffer
  /** Azure's marker, where the listing goes on from another page. */
  readonly token?: string | undefined
  readonly isDelimited: boolean
}

/**
 * Reads a List Blobs answer of status 200 and holds it against the question (§2.1 of the safety design): a page that is cut, foreign or
 * contradictory is `StorageError('invalid')`, a web page or an empty body `('not-a-storage')`, and never a short success.
 *
 * For `azure.ts`. `memory.body` holds the answer in its first `lengthBytes` bytes. The order of keys is not looked at, because Azure's is not that of
 * bytes. `giveBack` is called once, by `release()`.
 */
export function openBlobPage(
  memory: PageMemory,
  lengthBytes: number,
  question: BlobListQuestion,
  giveBack: (memory: PageMemory) => void,
): ListPage {
  try {
    const scanner = new BlobScanner(memory, lengthBytes)
    scanner.scan()
    const { head, count, prefixes } = scanner
    if (scanner.container !== question.container) throw malformedAnswer('it is of another container')
    const echo = head.get('Prefix') ?? Buffer.alloc(0)
    if (!echo.equals(question.prefix)) throw malformedAnswer('it is of another folder')
    const marker = head.get('NextMarker')
    if (marker === undefined) throw malformedAnswer('it does not say whether more follows')
    const token = marker.length === 0 ? undefined : marker.toString()
    if (token !== undefined && token === question.token) {
      throw malformedAnswer('it would go on at the place it came from')
    }
    checkKeys(memory, count, question.prefix)
    checkPrefixes(prefixes, question)
    return new ScannedPage(memory, { count, prefixes, isTruncated: token !== undefined, token }, giveBack)
  } catch (error) {
    throw networkFailure(error, { provider: 'azure', op: 'list' })
  }
}

function checkKeys(memory: PageMemory, count: number, prefix: Buffer): void {
  const { body, keyStart, keyEnd } = memory
  for (let i = 0; i < count; i++) {
    const start = keyStart[i]!
    const end = keyEnd[i]!
    if (start === end) throw malformedAnswer('a key is empty')
    if (end - start < prefix.length || body.compare(prefix, 0, prefix.length, start, start + prefix.length) !== 0) {
      throw malformedAnswer('a key is outside the folder that was asked for')
    }
    if (i > 0 && body.compare(body, keyStart[i - 1]!, keyEnd[i - 1]!, start, end) === 0) {
      throw malformedAnswer('a key comes twice')
    }
  }
}

function checkPrefixes(prefixes: readonly Buffer[], question: BlobListQuestion): void {
  if (prefixes.length > 0 && !question.isDelimited) throw malformedAnswer('it folds keys that were asked for singly')
  for (const folded of prefixes) {
    const { prefix } = question
    if (folded.length <= prefix.length || folded.compare(prefix, 0, prefix.length, 0, prefix.length) !== 0) {
      throw malformedAnswer('a folded folder is outside the one that was asked for')
    }
  }
}
