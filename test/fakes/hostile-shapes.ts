import { gzipSync } from 'node:zlib'
import type { ErrorCode } from '#contract/errors.ts'
import type { ListingRequest } from './hostile-gateway.ts'
import type { ScriptedAnswer } from './s3-faults.ts'

/**
 * How a sync ends that gets nothing but this instead of one of its pages.
 *
 * A code: with that. `passing`: it cannot get on, but tries for minutes. `truth`: well, because it is the same page in another form. `lie`: well, because
 * nobody can see that it is not true; it hides keys.
 */
export type ShapeEnd = ErrorCode | 'passing' | 'truth' | 'lie'

/** A wrong answer made of the right one. */
export interface HostileShape {
  readonly name: string
  readonly end: ShapeEnd
  /** Null where this page cannot be made so: it has too few keys, or would stay as it is. */
  of(page: string, asked: ListingRequest): ScriptedAnswer | null
}

const ENTRY = /<Contents>.*?<\/Contents>/gs
const entriesOf = (page: string) => page.match(ENTRY) ?? []
const isTruncated = (page: string) => page.includes('<IsTruncated>true<')
const token = (text: string) => `<NextContinuationToken>${text}</NextContinuationToken>`
const problem = (code: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>secret words of the provider</Message></Error>`
const loginPage = '<!DOCTYPE html><html><body><form>Log in</form></body></html>'

/** A shape that is a change of the page's text; where the text stays as it is, there is no such page. */
const rewritten = (
  name: string,
  end: ShapeEnd,
  rewrite: (page: string, asked: ListingRequest) => string | Buffer,
): HostileShape => ({
  name,
  end,
  of(page, asked) {
    const body = rewrite(page, asked)
    return body === page ? null : { body }
  },
})

const answered = (name: string, end: ShapeEnd, answer: ScriptedAnswer): HostileShape => ({
  name,
  end,
  of: () => answer,
})

/** The entries of a page made others, and its count with them. */
const withEntries = (page: string, change: (entries: readonly string[]) => readonly string[]): string => {
  const entries = entriesOf(page)
  if (entries.length === 0) return page
  const changed = change(entries)
  if (changed.join() === entries.join()) return page
  const folded = page.match(/<CommonPrefixes>/g)?.length ?? 0
  return page
    .replace(ENTRY, '')
    .replace(/<KeyCount>\d+/, `<KeyCount>${changed.length + folded}`)
    .replace(/(<\/IsTruncated>)/, `$1${changed.join('')}`)
}

const keyOf = (entry: string) => /<Key>(.*?)<\/Key>/s.exec(entry)![1]!
const withKey = (entry: string, key: string) => entry.replace(/<Key>.*?<\/Key>/s, () => `<Key>${key}</Key>`)
const INVALID = 'storage.invalid_answer'
const FOREIGN = 'storage.not_a_storage'

const cuts: HostileShape[] = [
  rewritten('cut within its first tag', INVALID, (page) => page.slice(0, 10)),
  rewritten('cut behind what it says of itself', INVALID, (page) => page.replace(/(<\/IsTruncated>).*$/s, '$1')),
  rewritten('cut within a key', INVALID, (page) =>
    entriesOf(page).length === 0 ? page : page.slice(0, page.lastIndexOf('</Key>') - 2),
  ),
  rewritten('cut between two entries', INVALID, (page) =>
    entriesOf(page).length === 0 ? page : page.slice(0, page.lastIndexOf('<Contents>')),
  ),
  rewritten('cut before its last tag', INVALID, (page) => page.slice(0, page.lastIndexOf('</ListBucketResult>'))),
  rewritten('cut within its last tag', INVALID, (page) => page.slice(0, -1)),
  {
    name: 'announced shorter than it is',
    end: INVALID,
    of: (page) => ({ body: page, announcedBytes: Math.floor(page.length / 2) }),
  },
]

const strangers: HostileShape[] = [
  answered('nothing at all, with status 200', FOREIGN, { body: '' }),
  answered('white space', FOREIGN, { body: ' \r\n\t ' }),
  answered('a login page with status 200', FOREIGN, { headers: { 'content-type': 'text/html' }, body: loginPage }),
  answered('JSON', FOREIGN, { headers: { 'content-type': 'application/json' }, body: '{"Contents":[]}' }),
  answered('an error with status 200', INVALID, { body: problem('InternalError') }),
  rewritten('compressed, and not said so', FOREIGN, (page) => gzipSync(page)),
  {
    name: 'compressed, and said so',
    end: FOREIGN,
    of: (page) => ({ headers: { 'content-encoding': 'gzip' }, body: gzipSync(page) }),
  },
  rewritten('in UTF-16', FOREIGN, (page) => Buffer.from(`\ufeff${page}`, 'utf16le')),
]

const contradictions: HostileShape[] = [
  rewritten('without a word on whether more follows', INVALID, (page) =>
    page.replace(/<IsTruncated>\w+<\/IsTruncated>/, ''),
  ),
  rewritten('more follows, and no way to get it', INVALID, (page) =>
    page.replace(/<NextContinuationToken>.*?<\/NextContinuationToken>/, '').replace('>false</Is', '>true</Is'),
  ),
  rewritten('nothing follows, and a way to get it', INVALID, (page) =>
    (isTruncated(page) ? page : page.replace('<KeyCount>', `${token('dG9rZW4')}<KeyCount>`)).replace(
      '>true</Is',
      '>false</Is',
    ),
  ),
  rewritten('empty, and more follows', INVALID, (page) =>
    withEntries(page, () => [])
      .replace(/<NextContinuationToken>.*?<\/NextContinuationToken>/, '')
      .replace('<KeyCount>', `${token('bG9vcA')}<KeyCount>`)
      .replace('>false</Is', '>true</Is'),
  ),
  rewritten('of another bucket', INVALID, (page) => page.replace(/<Name>.*?</, '<Name>others<')),
  rewritten('of no bucket', INVALID, (page) => page.replace(/<Name>.*?<\/Name>/, '')),
  rewritten('of another folder', INVALID, (page) => page.replace(/<Prefix>.*?</, '<Prefix>other/<')),
  rewritten('of the folder above', INVALID, (page) => page.replace(/<Prefix>.*?</, '<Prefix><')),
  rewritten('a key more than it says', INVALID, (page) =>
    page.replace(/<KeyCount>(\d+)/, (_, count) => `<KeyCount>${Number(count) - 1}`),
  ),
  rewritten('a key less than it says', INVALID, (page) =>
    page.replace(/<KeyCount>(\d+)/, (_, count) => `<KeyCount>${Number(count) + 1}`),
  ),
  rewritten('an entry lost on the way', INVALID, (page) => page.replace(/<Contents>.*?<\/Contents>/s, '')),
  rewritten('a folder folded that nobody asked for', INVALID, (page, asked) =>
    asked.isFolded || entriesOf(page).length === 0
      ? page
      : page
          .replace(/<Contents>.*?<\/Contents>/s, '')
          .replace('</ListBucketResult>', `<CommonPrefixes><Prefix>${asked.prefix}zz/</Prefix></CommonPrefixes>$&`),
  ),
  rewritten('with another answer behind it', INVALID, (page) => page + page),
  rewritten('with a web page behind it', INVALID, (page) => page + loginPage),
  rewritten('with an error within', INVALID, (page) => page.replace('</ListBucketResult>', `${problem('X')}$&`)),
]

const keys: HostileShape[] = [
  rewritten('a key twice', INVALID, (page) => withEntries(page, (entries) => [entries[0]!, ...entries])),
  rewritten('all keys twice', INVALID, (page) => withEntries(page, (entries) => [...entries, ...entries])),
  rewritten('two keys in the wrong order', INVALID, (page) =>
    withEntries(page, ([first, second, ...rest]) => (second ? [second, first!, ...rest] : [first!])),
  ),
  rewritten('all keys in reverse', INVALID, (page) => withEntries(page, (entries) => [...entries].reverse())),
  rewritten('a key of another folder at its end', INVALID, (page, asked) =>
    asked.prefix === '' ? page : withEntries(page, (entries) => [...entries, withKey(entries[0]!, 'zzz/foreign.txt')]),
  ),
  rewritten('a key of another folder at its beginning', INVALID, (page, asked) =>
    asked.prefix === '' ? page : withEntries(page, (entries) => [withKey(entries[0]!, '!/foreign.txt'), ...entries]),
  ),
  rewritten('all keys of another folder', INVALID, (page, asked) =>
    asked.prefix === '' ? page : withEntries(page, (all) => all.map((entry) => withKey(entry, `z${keyOf(entry)}`))),
  ),
  rewritten('from before the place that was asked for', INVALID, (page, { after, prefix }) =>
    after <= prefix ? page : withEntries(page, (entries) => [withKey(entries[0]!, `${prefix}!`), ...entries]),
  ),
  rewritten('an empty key', INVALID, (page) => withEntries(page, ([first, ...rest]) => [withKey(first!, ''), ...rest])),
  rewritten('an entry without a key', INVALID, (page) =>
    withEntries(page, ([first, ...rest]) => [first!.replace(/<Key>.*?<\/Key>/s, ''), ...rest]),
  ),
  rewritten('a size below nothing', INVALID, (page) => page.replace(/<Size>\d+/, '<Size>-1')),
  rewritten('a size beyond all numbers', INVALID, (page) => page.replace(/<Size>\d+/, `<Size>${'9'.repeat(40)}`)),
  rewritten('a date of words', INVALID, (page) => page.replace(/<LastModified>.*?</, '<LastModified>yesterday<')),
  rewritten('an unfinished percent code', INVALID, (page) => page.replace('</Key>', '%F</Key>')),
]

const bomb = Array.from({ length: 20 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('')
const withType = (page: string, inside: string) => page.replace(/\?>\s*/, `$&<!DOCTYPE ListBucketResult [${inside}]>`)
const inEntities = (text: string) => Array.from(text, (one) => `&#${one.codePointAt(0)};`).join('')
const decoded = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))

const entities: HostileShape[] = [
  rewritten('an entity bomb', FOREIGN, (page) =>
    entriesOf(page).length === 0 ? page : withType(page, `<!ENTITY l0 "lol">${bomb}`).replace(/<Key>/, '<Key>&l20;'),
  ),
  rewritten('an entity that is a file', FOREIGN, (page) =>
    entriesOf(page).length === 0
      ? page
      : withType(page, '<!ENTITY f SYSTEM "file:///etc/hostname">').replace(/<Key>/, '<Key>&f;'),
  ),
  rewritten('an entity that nobody explained', INVALID, (page) => page.replace(/<Key>/, '<Key>&nbsp;')),
  // Every character of every key a reference, which is what makes some parsers give up at their limit.
  rewritten('a thousand entities', 'truth', (page, asked) =>
    asked.isFolded || entriesOf(page).length === 0
      ? page
      : page
          .replace('<EncodingType>url</EncodingType>', '')
          .replace(/<Prefix>.*?<\/Prefix>/, () => `<Prefix>${inEntities(asked.prefix)}</Prefix>`)
          .replace(/<Key>(.*?)<\/Key>/gs, (_, key) => `<Key>${inEntities(decoded(key))}</Key>`),
  ),
  rewritten('a line an element', 'truth', (page) => page.replaceAll('><', '>\r\n  <')),
]

const refusals: HostileShape[] = [
  answered('403, denied', 'storage.denied', { status: 403, body: problem('AccessDenied') }),
  answered('403, a wrong key', 'storage.bad_credentials', { status: 403, body: problem('InvalidAccessKeyId') }),
  answered('403, clocks that differ', 'storage.clock_skew', { status: 403, body: problem('RequestTimeTooSkewed') }),
  answered('403 of a firewall', FOREIGN, { status: 403, headers: { 'content-type': 'text/html' }, body: loginPage }),
  answered('400, credentials that expired', 'storage.expired_credentials', {
    status: 400,
    body: problem('ExpiredToken'),
  }),
  answered('404, no such bucket', 'storage.unknown_bucket', { status: 404, body: problem('NoSuchBucket') }),
  answered('404, no such key', 'storage.not_found', { status: 404, body: problem('NoSuchKey') }),
  answered('404 of a web server', FOREIGN, { status: 404, headers: { 'content-type': 'text/html' }, body: loginPage }),
  answered('204, and so nothing', FOREIGN, { status: 204, body: '' }),
  answered('301 to another place', 'storage.wrong_region', {
    status: 301,
    headers: { location: 'http://127.0.0.1:1/' },
    body: problem('PermanentRedirect'),
  }),
  answered('302 to a login page', FOREIGN, { status: 302, headers: { location: 'http://127.0.0.1:1/login' } }),
  answered('307 within the storage', 'storage.wrong_region', { status: 307, body: problem('TemporaryRedirect') }),
]

const passing: HostileShape[] = [
  answered('a connection that is closed', 'passing', { isReset: true }),
  {
    name: 'a connection that is closed in the middle of the page',
    end: 'passing',
    of: (page) => ({ body: page, resetAfterBytes: Math.floor(page.length / 2) }),
  },
  {
    name: 'a page in drops, and then a closed connection',
    end: 'passing',
    of: (page) => ({ body: page, pieces: 12, resetAfterBytes: page.length - 1 }),
  },
  {
    name: 'chunks that end without an end',
    end: 'passing',
    of: (page) => ({ body: page, announcedBytes: null, resetAfterBytes: page.length }),
  },
  answered('503, slow down', 'passing', { status: 503, body: problem('SlowDown') }),
  answered('503, and come back at once', 'passing', {
    status: 503,
    headers: { 'retry-after': '0' },
    body: problem('SlowDown'),
  }),
  answered('500', 'passing', { status: 500, body: problem('InternalError') }),
  answered('502 of a proxy', 'passing', { status: 502, headers: { 'content-type': 'text/html' }, body: loginPage }),
  answered('429', 'passing', { status: 429, body: problem('TooManyRequests') }),
]

const lies: HostileShape[] = [
  rewritten('nothing follows, although it does', 'lie', (page) =>
    page
      .replace(/<NextContinuationToken>.*?<\/NextContinuationToken>/, '')
      .replace('<IsTruncated>true<', '<IsTruncated>false<'),
  ),
  rewritten('no keys, and nothing follows', 'lie', (page) =>
    withEntries(page, () => [])
      .replace(/<NextContinuationToken>.*?<\/NextContinuationToken>/, '')
      .replace('<IsTruncated>true<', '<IsTruncated>false<'),
  ),
  rewritten('without its first key, and the count says so too', 'lie', (page) =>
    withEntries(page, (entries) => entries.slice(1)),
  ),
  rewritten('with its last key alone, and the count says so too', 'lie', (page) =>
    withEntries(page, (entries) => entries.slice(-1)),
  ),
]

/** The shapes of T8 (docs: sync safety), each a wrong answer to a listing made of the right one. */
export const hostileShapes: readonly HostileShape[] = [
  ...cuts,
  ...strangers,
  ...contradictions,
  ...keys,
  ...entities,
  ...refusals,
  ...passing,
  ...lies,
]

/** A page without some of its entries, which says nothing of it; null when none was left out. */
export function omitEntries(page: string, isOmitted: (key: string) => boolean): string | null {
  const changed = withEntries(page, (entries) => entries.filter((entry) => !isOmitted(decoded(keyOf(entry)))))
  return changed === page ? null : changed
}
