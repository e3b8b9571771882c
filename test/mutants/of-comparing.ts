// Mutants of comparing a listing with the rows: windows, fingerprints, segments, and what is written of a difference.
import type { Mutant } from './mutant.ts'

const compare = 'test/integration/compare.test.ts'
const windows = 'test/integration/compare-windows.test.ts'
const resync = 'test/integration/resync.test.ts'
const segments = 'test/integration/segments.test.ts'
const COMPARE = 'src/core/sync/compare'

const stretch =
  'A page that follows key a and ends with key b says everything about the keys in (a, b], and nothing about others.'
const fingerprint = 'A folder’s fingerprint is made of everything the storage tells of its live items.'
const kept = 'Whoever writes an item keeps the fingerprint of its folder, in the same transaction.'
const segment =
  'A segment is believed only when it reaches from the same border to the same border and nothing in it is in doubt.'
const forgotten = 'A segment is forgotten when one of its items becomes another.'

/** What the writer of rows says of a file that was taken for a new one. */
const takenForNew = ['A key that was new is there already']

export const ofComparing: readonly Mutant[] = [
  {
    name: 'rounded bounds of names are taken for the real ones, below',
    rule: 'Bounds of statements are rounded to whole characters, so that nothing is left out.',
    file: `${COMPARE}/merge.ts`,
    text: 'if (low !== null && low.compare(bytes, nameAt, nameEnd) >= 0) return',
    becomes: '',
    killedBy: { file: windows },
  },
  {
    name: 'the last key of a page counts as one it need not show',
    rule: stretch,
    file: `${COMPARE}/merge.ts`,
    text: 'high.compare(bytes, nameAt, nameEnd) < 0) return',
    becomes: 'high.compare(bytes, nameAt, nameEnd) <= 0) return',
    killedBy: { file: windows, test: 'every file that goes is absent', saying: takenForNew },
  },
  {
    name: 'the listed row a window begins behind is compared in it',
    rule: stretch,
    file: `${COMPARE}/compare.ts`,
    text: 'compareName(buffer, row, low, 0, low.length) > 0)',
    becomes: 'compareName(buffer, row, low, 0, low.length) >= 0)',
    killedBy: { file: windows, test: 'ranges that meet at any key' },
  },
  {
    name: 'the listed row a window ends with is not compared in it',
    rule: stretch,
    file: `${COMPARE}/compare.ts`,
    text: 'compareName(buffer, row, high, 0, high.length) <= 0)',
    becomes: 'compareName(buffer, row, high, 0, high.length) < 0)',
    killedBy: { file: windows, test: 'ranges that meet at any key' },
  },
  {
    name: 'folders that hold the end of a page are forgotten',
    rule: 'Of the folders above a page’s ends, the names on its side belong to it.',
    file: `${COMPARE}/windows.ts`,
    text: 'for (const key of to === null ? [from] : [from, to]) {',
    becomes: 'for (const key of [from]) {',
    killedBy: { file: windows, test: 'every file that goes is absent', saying: takenForNew },
  },
  {
    name: 'folders that hold the beginning of a page are forgotten',
    rule: 'Of the folders above a page’s ends, the names on its side belong to it.',
    file: `${COMPARE}/windows.ts`,
    text: 'for (const key of to === null ? [from] : [from, to]) {',
    becomes: 'for (const key of to === null ? [] : [to]) {',
    killedBy: { file: windows },
  },
  {
    name: 'a folder that a page ends in passes for listed as a whole',
    rule: stretch,
    file: `${COMPARE}/windows.ts`,
    text: 'if (to === null || !holds(folder.bytes, to)) windows.push',
    becomes: 'windows.push',
    killedBy: { file: windows },
  },
  {
    name: 'the end of the listing says nothing of what follows',
    rule: 'Behind the last page of the last range there is nothing.',
    file: 'src/core/sync/rows/batch.ts',
    text: 'to: reach.isDone && range.to === null ? null : reach.cursor',
    becomes: 'to: reach.cursor',
    killedBy: { file: windows },
  },
  {
    name: 'every page of the last range passes for the end of the listing',
    rule: stretch,
    file: 'src/core/sync/rows/batch.ts',
    text: 'to: reach.isDone && range.to === null ? null : reach.cursor',
    becomes: 'to: range.to === null ? null : reach.cursor',
    killedBy: { file: windows },
  },
  {
    name: 'a batch begins where its last page began',
    rule: stretch,
    file: 'src/core/sync/rows/batch.ts',
    text: 'if (!this.#from.has(range)) this.#from',
    becomes: 'this.#from',
    killedBy: { file: windows, test: 'ranges that meet at any key' },
  },
  {
    name: 'folders of which nothing was listed are passed over',
    rule: 'Folders inside a page that it does not show at all are absent as a whole.',
    file: `${COMPARE}/compare.ts`,
    text: 'if (isWhole) this.#found.absentFolders.push(folder.no)',
    becomes: '',
    killedBy: { file: windows },
  },
  {
    name: 'a border in the middle of a character is read as text',
    rule: 'Bounds of statements are rounded to whole characters, so that nothing is left out.',
    file: `${COMPARE}/windows.ts`,
    text: "return isUtf8(usable) ? text : text.slice(0, text.indexOf('\\ufffd'))",
    becomes: 'return text',
    killedBy: { file: windows, test: 'every file that goes is absent', saying: takenForNew },
  },
  {
    name: 'bounds of statements are not rounded up',
    rule: 'Bounds of statements are rounded to whole characters, so that nothing is left out.',
    file: `${COMPARE}/windows.ts`,
    text: 'return Buffer.byteLength(text) === bytes.length ? text : text + BEHIND_ALL',
    becomes: 'return text',
    killedBy: { file: windows, test: 'every file that goes is absent', saying: takenForNew },
  },
  {
    name: 'rounded bounds are taken for the real ones',
    rule: 'Bounds of statements are rounded to whole characters, so that nothing is left out.',
    file: `${COMPARE}/windows.ts`,
    text: 'if (folder.bytes.compare(from) <= 0 || (to !== null && folder.bytes.compare(to) > 0)) continue',
    becomes: '',
    killedBy: { file: windows },
  },
  {
    name: 'rounded bounds of names are taken for the real ones, above',
    rule: 'Bounds of statements are rounded to whole characters, so that nothing is left out.',
    file: `${COMPARE}/stored-rows.ts`,
    text: 'return exact ? pg.escapeLiteral(text) : `',
    becomes: 'return exact || high !== null ? pg.escapeLiteral(text) : `',
    killedBy: { file: windows },
  },
  {
    name: 'a page of which only absences follow passes for one as it was',
    rule: 'Only a page that says what the rows say costs no transaction.',
    file: 'src/core/sync/rows/commit.ts',
    text: 'absent.count + absentFolders.length + disputed.length',
    becomes: 'disputed.length',
    killedBy: { file: windows },
  },
  ...(
    [
      ['size', '(half < 2 ? sizeAt : modifiedAt)', 'modifiedAt'],
      ['time', '(half < 2 ? sizeAt : modifiedAt)', 'sizeAt'],
      ['storage class', 'let rest = isArchived ? 0x5bd1e995 : 0', 'let rest = isArchived ? 0 : 0'],
      ['etag', 'for (; at < whole; at += 4)', 'for (; at < Math.min(whole, from + 4 + view.getUint32(from)); at += 4)'],
    ] as const
  ).map(
    ([what, text, becomes]): Mutant => ({
      name: `fingerprints do not have the ${what}`,
      rule: fingerprint,
      file: 'src/core/catalog/fingerprint.ts',
      text,
      becomes,
      killedBy: { file: 'src/core/catalog/fingerprint.test.ts', test: 'of one fact alone' },
    }),
  ),
  {
    name: 'fingerprints are the same in every dataset',
    rule: 'What collides in one dataset does not in another.',
    file: 'src/core/catalog/fingerprint.ts',
    text: 'this.#seedHigh = Math.imul(datasetNo ^ 0x2545f491, 0x9e3779b1)\n    this.#seedLow = Math.imul(datasetNo ^',
    becomes: 'this.#seedHigh = Math.imul(0x2545f491, 0x9e3779b1)\n    this.#seedLow = Math.imul(0 * datasetNo ^',
    killedBy: { file: 'src/core/catalog/fingerprint.test.ts', test: 'differs between datasets' },
  },
  {
    name: 'a changed item stays in its folder’s fingerprint as it was',
    rule: kept,
    file: 'src/core/sync/rows/changes.ts',
    text: 'delta.fpHigh ^= facts.high ^ change.oldHigh',
    becomes: 'delta.fpHigh ^= facts.high',
    killedBy: { file: resync, test: 'a change keeps the item' },
  },
  {
    name: 'a missing item is taken out of the fingerprint when it returns',
    rule: kept,
    file: `${COMPARE}/merge.ts`,
    text: 'oldHigh: isLive ? this.#hash.high : 0,\n      oldLow: isLive ? this.#hash.low : 0,',
    becomes: 'oldHigh: (this.#hashStored(bytes, at, end), this.#hash.high),\n      oldLow: this.#hash.low,',
    killedBy: { file: resync, test: 'a file that is gone is marked missing and stays' },
  },
  {
    name: 'an item that a reading refreshes leaves its fingerprint behind',
    rule: kept,
    file: 'src/core/catalog/apply.ts',
    text: 'if (item.state === LIVE) toggleFingerprint(changes, hash, item)\n  hashObserved',
    becomes: 'hashObserved',
    killedBy: { file: 'test/integration/readings.test.ts', test: 'that a newer hint overtook' },
  },
  {
    name: 'an item that is marked missing stays in the fingerprint',
    rule: kept,
    file: 'src/core/catalog/marks.ts',
    text: 'for (const item of items) toggleFingerprint(changes, hash, item)\n  await tx.query(\n    `update item set state',
    becomes: 'await tx.query(\n    `update item set state',
    killedBy: { file: resync, test: 'a file that is gone is marked missing and stays' },
  },
  {
    name: 'a forced sync believes the fingerprints',
    rule: 'forceRescan compares every row, whatever the fingerprints say.',
    file: `${COMPARE}/compare.ts`,
    text: 'if (!isWhole || this.#target.isForced) return true',
    becomes: 'if (!isWhole) return true',
    killedBy: { file: resync, test: 'forceRescan finds what a wrong fingerprint hides' },
  },
  {
    name: 'a forced sync leaves a wrong fingerprint as it is',
    rule: 'forceRescan compares every row, whatever the fingerprints say.',
    file: `${COMPARE}/merge.ts`,
    text: 'if (drift.high !== 0 || drift.low !== 0) this.#found.drifts',
    becomes: 'if (drift.high === 0 && drift.low !== 0) this.#found.drifts',
    killedBy: { file: resync, test: 'forceRescan finds what a wrong fingerprint hides' },
  },
  {
    name: 'bytes of a changed file are not counted anew',
    rule: 'Folder, item and counters never disagree.',
    file: 'src/core/sync/rows/changes.ts',
    text: 'delta.bytes += facts.sizeBytes - change.oldBytes',
    becomes: 'delta.bytes += 0 * facts.sizeBytes',
    killedBy: { file: resync, test: 'a change keeps the item' },
  },
  {
    name: 'a changed file is not marked as changed',
    rule: 'A changed file is the same item, marked changed in storage (MS-07).',
    file: 'src/core/sync/rows/changes.ts',
    text: 'case when i.etag <> u.etag or i.size_bytes <> u.size_bytes then 8 else 0 end,\n            updated_at',
    becomes: '0,\n            updated_at',
    killedBy: { file: resync, test: 'a change keeps the item' },
  },
  {
    name: 'a returned item still says since when it is missing',
    rule: 'The mark goes when the file returns (GH-03).',
    file: 'src/core/sync/rows/changes.ts',
    text: 'state = 0, missing_at = null,',
    becomes: 'state = 0,',
    killedBy: { file: resync, test: 'a file that is gone is marked missing and stays' },
  },
  {
    name: 'an unchanged key of a listing without order is not noted as seen',
    rule: 'Where the storage lists in no order, only what a complete walk did not show is absent.',
    file: `${COMPARE}/compare-by-name.ts`,
    text: '    found.unchanged++\n    seen.push(item.item_no)',
    becomes: '    found.unchanged++',
    killedBy: { file: compare, test: 'what was added, changed and is absent is found exactly' },
  },
  {
    name: 'a segment is believed although it begins elsewhere',
    rule: segment,
    file: `${COMPARE}/narrow.ts`,
    text: ' || kept.behindName !== listed.behindName) return false',
    becomes: ') return false',
    killedBy: { file: segments, test: 'a whole segment that is gone is found also when it was not kept' },
  },
  {
    name: 'a segment in which something was absent is kept',
    rule: segment,
    file: 'src/core/sync/rows/commit.ts',
    text: 'comparison.segments.filter(({ window }) => !comparison.doubtful.has(window))',
    becomes: 'comparison.segments.filter(({ window }) => window !== null)',
    killedBy: { file: segments, test: 'a file that is gone is found again and again' },
  },
  {
    name: 'what lies behind the last border is not read',
    rule: 'The first and the last stretch of a window, which belong to no whole segment, are always read.',
    file: `${COMPARE}/narrow.ts`,
    text: '    // The last piece is always read.\n    narrowed.push(join(batch, window, open, plan))',
    becomes: '    if (open.length > 1) narrowed.push(join(batch, window, open, plan))',
    killedBy: { file: segments, test: 'a file that is gone is found again and again' },
  },
  {
    name: 'segments of changed items are kept by a page',
    rule: forgotten,
    file: 'src/core/sync/rows/commit.ts',
    text: "await dropSegments(client, target.datasetNo, dirNos, (at) => nameOf(...place(at)).toString('utf8'))",
    becomes: '',
    killedBy: { file: segments, test: 'what was written row by row is found' },
  },
  {
    name: 'a segment is kept although somebody has edited its folder',
    rule: segment,
    file: 'src/core/catalog/segments.ts',
    text: ' and d.edits = u.edits',
    becomes: ' and u.edits >= 0',
    killedBy: { file: segments, test: 'a segment is not kept when one of its files was marked' },
  },
  {
    name: 'segments of marked items are kept',
    rule: forgotten,
    file: 'src/core/catalog/folder-counters.ts',
    text: 'await dropSegments(tx, datasetNo, this.#dirNos, (at) => this.#names[at]!)',
    becomes: '',
    killedBy: { file: segments, test: 'a marked file that is back is found' },
  },
]
