import { Bucket } from './bucket.ts'
import { makeLayout } from './layouts.ts'
import { ListingAnswers } from './listing.ts'

/** One listing page and the question it answers. */
export interface RenderedPage {
  readonly body: Buffer
  /** `start-after` of the question; empty on the first page. */
  readonly after: string
}

/** The first `count` listing pages, of 1,000 keys each, of a bucket twice as big; for contenders that need no server. */
export function renderedPages(count: number): RenderedPage[] {
  const layout = makeLayout('realistic', count * 2_000)
  const answers = new ListingAnswers(new Bucket(layout), 'bench', 1_000_000_000)
  return Array.from({ length: count }, (_, number) => {
    const after = number === 0 ? '' : layout.keyAt(number * 1_000 - 1)
    const query = new URLSearchParams({ 'list-type': '2', 'encoding-type': 'url', 'max-keys': '1000' })
    if (after !== '') query.set('start-after', after)
    return { body: Buffer.concat(answers.answer(query).parts), after }
  })
}
