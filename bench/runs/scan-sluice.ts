// Reads listing pages from memory with the S3 driver's own scanner: the copy into page memory, the scan, all checks of the page, every entry visited.

import { PagePool } from '#storage/http/page-memory.ts'
import type { ListPage } from '#storage/port.ts'
import { openListPage } from '#storage/s3/list-page.ts'
import { SetSummer } from '../replay/entry.ts'
import { renderedPages } from '../replay/rendered.ts'
import { report, runArgs } from '../run-node.ts'

const { pages, units, verify } = runArgs<{ pages: number; units: number; verify: boolean }>()
const rendered = renderedPages(pages).map(({ body, after }) => ({
  body,
  after: after === '' ? undefined : Buffer.from(after),
}))
const pool = new PagePool(4)
const prefix = Buffer.alloc(0)
let next = 0

function openNext(): ListPage {
  const { body, after } = rendered[next++ % rendered.length]!
  const memory = pool.take()
  memory.reserveBody(body.length, 0)
  body.copy(memory.body)
  return openListPage(memory, body.length, { bucket: 'bench', prefix, after, isDelimited: false }, (given) =>
    pool.give(given),
  )
}

function read(wanted: number): { units: number; bytes: number } {
  let count = 0
  let bytes = 0
  next = 0
  while (count < wanted) {
    const page = openNext()
    const { entries } = page
    while (entries.next()) {
      count += 1
      bytes += entries.sizeBytes
    }
    page.release()
  }
  return { units: count, bytes }
}

/** The same once, with every key and etag looked at. */
function readChecked(): { units: number; bytes: number; checksum: string } {
  const summer = new SetSummer()
  for (let number = 0; number < pages; number++) {
    const page = openNext()
    const { entries: e } = page
    while (e.next())
      summer.add(
        e.keyBytes.toString('utf8', e.keyStart, e.keyEnd),
        e.sizeBytes,
        e.etagBytes.toString('latin1', e.etagStart, e.etagEnd),
      )
    page.release()
  }
  const { count, ...sums } = summer.sum()
  return { units: count, ...sums }
}

if (verify) {
  await report(async () => readChecked())
} else {
  read(100_000)
  await report(async () => read(units))
}
