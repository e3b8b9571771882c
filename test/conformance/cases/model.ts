// Any sequence of changes lists as it does in the memory driver, whatever is asked.
import fc from 'fast-check'
import { expect } from 'vitest'
import { createMemoryStorage } from '#storage/memory/memory.ts'
import type { ListQuery, Storage } from '#storage/port.ts'
import type { ConformanceCase, Stage } from '../stage.ts'
import { entriesOf, inByteOrder, put } from '../storage-calls.ts'

export const modelCases: readonly ConformanceCase[] = [
  { name: 'any sequence of changes lists as in the model', needs: ['write'], timeoutMs: 300_000, run: asInModel },
]

/** Any sequence of writes and removals leaves, in every listing, what it leaves in the memory driver. */
async function asInModel({ storage, freshFolder, options }: Stage): Promise<void> {
  const numRuns = options.modelRuns ?? 60
  const shape = (pages: Outline[]) => {
    if (storage.can.list_order === 'none') return sorted(joined(pages))
    return options.hasShortPages === true ? joined(pages) : pages
  }
  // Files and folders get names of their own, because a file system cannot have both under one.
  const part = fc.constantFrom('a', 'B', '~', 'é', '\uff5e', '😀', ' +', '%2F', '&', '-')
  const key = fc
    .tuple(fc.array(part, { maxLength: 2 }), part)
    .map(([path, name]) => [...path.map((p) => `d${p}`), `f${name}`].join('/'))
  const change = fc.record({ key, text: fc.constantFrom(null, '', 'x', 'longer') })
  const question = fc.record({
    prefix: fc.constantFrom('', 'd', 'da/', 'dé/', 'd \u002b/', 'f'),
    entriesMax: fc.constantFrom(1, 2, 3, 1000),
    after: fc.option(key, { nil: undefined }),
    isFolded: fc.boolean(),
  })
  const property = fc.asyncProperty(
    fc.array(change, { minLength: 1, maxLength: 12 }),
    fc.array(question, { minLength: 1, maxLength: 4 }),
    async (changes, questions) => {
      const folder = freshFolder()
      const model = createMemoryStorage({ name: `model-${crypto.randomUUID()}` })
      for (const { key: name, text } of changes) {
        for (const one of [storage, model]) {
          if (text === null) await one.remove([folder + name])
          else await put(one, folder + name, text)
        }
      }
      for (const { prefix, entriesMax, after, isFolded } of questions) {
        const query: ListQuery = isFolded
          ? { prefix: folder + prefix, entriesMax, delimiter: '/' }
          : {
              prefix: folder + prefix,
              entriesMax,
              after: after === undefined || !storage.can.list_after ? undefined : Buffer.from(folder + after),
            }
        expect(shape(await outline(storage, query))).toEqual(shape(await outline(model, query)))
      }
    },
  )
  await fc.assert(property, { numRuns })
}

type Outline = { readonly prefixes: readonly string[]; readonly entries: readonly unknown[] }

/** The same in one page, whatever the pages were. */
function joined(pages: readonly Outline[]): Outline {
  return { prefixes: pages.flatMap(({ prefixes }) => prefixes), entries: pages.flatMap(({ entries }) => entries) }
}

function sorted({ prefixes, entries }: Outline): Outline {
  return { prefixes: inByteOrder(prefixes), entries: inByteOrder(entries.map((entry) => JSON.stringify(entry))) }
}

/** All that a listing tells and that does not depend on time, page by page. */
async function outline(storage: Storage, query: ListQuery): Promise<Outline[]> {
  const pages: Outline[] = []
  let token: string | undefined
  do {
    const page = await storage.list({ ...query, ...(token === undefined ? {} : { token }) })
    token = page.token
    const { count, isTruncated } = page
    const prefixes = page.prefixes.map(String)
    const entries = entriesOf(page).map(({ key, sizeBytes }) => [key, sizeBytes])
    pages.push(Object.assign({ prefixes, entries }, { count, isTruncated }))
  } while (token !== undefined)
  return pages
}
