// Mutants of keys and listing pages: what is in a folder, what is hidden, what a page must say before it is believed.
import type { Mutant } from './mutant.ts'

const page = 'src/storage/s3/list-page.test.ts'
const key = 'src/storage/key.test.ts'
const KEY = 'src/storage/key.ts'
const PAGE = 'src/storage/s3/list-page.ts'
const BOUNDS = 'src/storage/http/scanned-page.ts'

const prefix = 'A folder ends with a slash and is compared as bytes; the folder itself is not in it (§3.4).'
const hidden = 'The platform’s own hidden folder, of whatever driver, is never indexed (DR-19).'
const once = 'Keys are decoded exactly once, by what the answer says of itself.'
const wellFormed =
  'A page that is cut, foreign, contradictory or out of order is refused; never a short success (§2.1).'

/** What a reader of pages says of keys that it has decoded wrongly: that they are not encoded so, or not in order. */
const misread = ['a key is not encoded as it says', 'its keys are not in order']

export const ofStorage: readonly Mutant[] = [
  {
    name: 'a folder takes its neighbour that begins alike',
    rule: prefix,
    file: KEY,
    text: "const folder = typed.endsWith('/') ? typed :",
    becomes: 'const folder = typed !== null ? typed :',
    killedBy: { file: key },
  },
  {
    name: 'a folder is in itself',
    rule: prefix,
    file: KEY,
    text: 'return key.length > folder.length && key.compare',
    becomes: 'return key.length >= folder.length && key.compare',
    killedBy: { file: key },
  },
  {
    name: 'only the hidden folder at the root is hidden',
    rule: hidden,
    file: KEY,
    text: 'isPartStart = byte === SLASH',
    becomes: 'isPartStart = byte < 0',
    killedBy: { file: key },
  },
  {
    name: 'what ends like the hidden folder is hidden',
    rule: hidden,
    file: KEY,
    text: 'if (isPartStart && byte === first &&',
    becomes: 'if (byte === first &&',
    killedBy: { file: key },
  },
  {
    name: 'what begins like the hidden folder is hidden',
    rule: hidden,
    file: KEY,
    text: 'bytes.compare(part, 0, part.length, at, at + part.length) === 0',
    becomes: 'bytes.compare(part, 0, part.length - 1, at, at + part.length - 1) === 0',
    killedBy: { file: key },
  },
  {
    name: 'a sync indexes the hidden folder',
    rule: hidden,
    file: 'src/core/sync/rows/folder.ts',
    text: '(parent.isOwn || this.name === hiddenFolder)',
    becomes: 'parent.isOwn',
    killedBy: {
      file: 'test/integration/sync.test.ts',
      test: 'every file is an item; markers and the hidden folder are not',
    },
  },
  {
    name: 'a sync indexes what is deeper in the hidden folder',
    rule: hidden,
    file: 'src/core/sync/rows/folder.ts',
    text: '(parent.isOwn || this.name === hiddenFolder)',
    becomes: 'this.name === hiddenFolder',
    killedBy: {
      file: 'test/integration/sync.test.ts',
      test: 'every file is an item; markers and the hidden folder are not',
    },
  },
  {
    name: 'a file whose name ends in a slash is a marker',
    rule: 'Only an empty object that ends in a slash marks a folder; one with bytes is a file.',
    file: KEY,
    text: 'return sizeBytes === 0 && end > 0',
    becomes: 'return end > 0',
    killedBy: { file: key },
  },
  {
    name: 'a sync takes a file whose name ends in a slash for a marker',
    rule: 'Only an empty object that ends in a slash marks a folder; one with bytes is a file.',
    file: 'src/core/sync/rows/batch.ts',
    text: 'const isMarker = bytes[slash] === SLASH && entry.sizeBytes === 0',
    becomes: 'const isMarker = bytes[slash] === SLASH',
    killedBy: {
      file: 'test/integration/compare-windows.test.ts',
      test: 'pages of 100, batches of 100: every file that goes',
    },
  },
  {
    name: 'a path with .. is addressed',
    rule: 'No address is made for a key with a part that is . or .. (§3.3).',
    file: KEY,
    text: '\\.{1,2}(?:[/\\\\]|$)',
    becomes: '\\.(?:[/\\\\]|$)',
    killedBy: { file: key },
  },
  {
    name: 'keys are decoded although nothing says that they are encoded',
    rule: once,
    file: 'src/storage/s3/scan.ts',
    text: 'return this.isUrlEncoded ? decodeUrl(this.bytes, this.textStart, end) : end',
    becomes: 'return this.isUrlEncoded || end > 0 ? decodeUrl(this.bytes, this.textStart, end) : end',
    killedBy: { file: page, test: 'any page gives back what was put into it', saying: misread },
  },
  {
    name: 'keys are decoded twice',
    rule: once,
    file: 'src/storage/s3/scan.ts',
    text: 'return this.isUrlEncoded ? decodeUrl(this.bytes, this.textStart, end) : end',
    becomes:
      'return this.isUrlEncoded ? decodeUrl(this.bytes, this.textStart, decodeUrl(this.bytes, this.textStart, end)) : end',
    killedBy: { file: page, saying: misread },
  },
  {
    name: 'a plus of an encoded key stays a plus',
    rule: once,
    file: 'src/storage/xml/xml-text.ts',
    text: 'byte === PLUS ? plus : byte',
    becomes: 'byte',
    killedBy: { file: page, test: 'any page gives back what was put into it', saying: misread },
  },
  {
    name: 'a page that does not say whether more follows is the last one',
    rule: wellFormed,
    file: PAGE,
    text: "if (said !== 'true' && said !== 'false') throw",
    becomes: "if (said !== 'true' && said === 'TRUE') throw",
    killedBy: { file: page, test: 'no IsTruncated and no token' },
  },
  {
    name: 'a page that says more follows and not where is the last one',
    rule: wellFormed,
    file: PAGE,
    text: 'if (isTruncated !== (token !== undefined)) throw',
    becomes: 'if (isTruncated === null) throw',
    killedBy: { file: page, test: 'truncated without a token' },
  },
  {
    name: 'a page that leads back to itself is followed',
    rule: wellFormed,
    file: PAGE,
    text: 'if (token !== undefined && token === question.token) throw',
    becomes: "if (token !== undefined && token === '') throw",
    killedBy: { file: page, test: 'the token it was asked with' },
  },
  {
    name: 'a page with fewer keys than it says is believed',
    rule: wellFormed,
    file: PAGE,
    text: 'if (keyCount !== undefined && keyCount.toString',
    becomes: 'if (keyCount === null && keyCount.toString',
    killedBy: { file: page, test: 'more keys than there are' },
  },
  {
    name: 'a page of another bucket is believed',
    rule: wellFormed,
    file: PAGE,
    text: 'if (name?.toString() !== question.bucket) throw',
    becomes: 'if (name === undefined) throw',
    killedBy: { file: page, test: 'another bucket' },
  },
  {
    name: 'a page of another folder is believed',
    rule: wellFormed,
    file: BOUNDS,
    text: "if (!startsWith(key, prefix)) return 'a key is outside",
    becomes: "if (key === null) return 'a key is outside",
    killedBy: { file: page, test: 'a key outside the prefix, first' },
  },
  {
    name: 'keys that come twice are believed',
    rule: wellFormed,
    file: BOUNDS,
    text: 'const isRising = left === leftEnd ? right < rightEnd :',
    becomes: 'const isRising = left === leftEnd ? right <= rightEnd :',
    killedBy: { file: page, test: 'the same key twice' },
  },
  {
    name: 'keys out of order are believed',
    rule: wellFormed,
    file: BOUNDS,
    text: 'if (!isRising) return',
    becomes: 'if (isRising === null) return',
    killedBy: { file: page, test: 'keys out of order' },
  },
  {
    name: 'a page from before the place asked for is believed',
    rule: wellFormed,
    file: BOUNDS,
    text: 'after !== undefined && body.subarray(keyStart[0]!, keyEnd[0]!).compare(after) <= 0',
    becomes: 'after !== undefined && body.subarray(keyStart[0]!, keyEnd[0]!).compare(after) < -1',
    killedBy: { file: page, test: 'a start inside' },
  },
  {
    name: 'something behind the end of a page is overlooked',
    rule: wellFormed,
    file: 'src/storage/s3/scan.ts',
    text: 'if (at !== this.lengthBytes) throw',
    becomes: 'if (at > this.lengthBytes) throw',
    killedBy: { file: page, test: 'text behind the end' },
  },
  {
    name: 'an entry without a size is believed',
    rule: wellFormed,
    file: 'src/storage/s3/scan.ts',
    text: 'const SAW_NEEDED = SAW_KEY | SAW_SIZE | SAW_MODIFIED',
    becomes: 'const SAW_NEEDED = SAW_KEY | SAW_MODIFIED',
    killedBy: { file: page, test: 'an entry without a size' },
  },
]
