// Mutants of what is taken out and what comes back, and of what both cost.
import type { Mutant } from './mutant.ts'

const resync = 'test/integration/resync.test.ts'
const quota = 'a first sync without enough data points adds nothing'
const back = 'an item that was removed and comes back has its id and metadata again'
const kept = 'A removed item keeps its id, metadata and annotations for 30 days, and has them again with its file.'
const points =
  'Data points are exact: what is added is reserved, what goes is given back, in the transaction that does it.'
const allOrNothing = 'A first sync without enough data points adds nothing (IS-04).'

export const ofRemoval: readonly Mutant[] = [
  {
    name: 'a removed item comes back as another one',
    rule: kept,
    file: 'src/core/sync/rows/changes.ts',
    text: 'set item_no = r.item_no, metadata = r.metadata,',
    becomes: 'set metadata = r.metadata,',
    killedBy: { file: resync, test: back },
  },
  {
    name: 'a removed item comes back without its metadata',
    rule: kept,
    file: 'src/core/sync/rows/changes.ts',
    text: 'set item_no = r.item_no, metadata = r.metadata,',
    becomes: 'set item_no = r.item_no,',
    killedBy: { file: resync, test: back },
  },
  {
    name: 'metadata go with the item',
    rule: kept,
    file: 'src/core/catalog/marks.ts',
    text: 'to_timestamp($4::float8 / 1000), type_no, flags, $5, name, etag, metadata, missing_at,',
    becomes: 'to_timestamp($4::float8 / 1000), type_no, flags, $5, name, etag, null, missing_at,',
    killedBy: { file: resync, test: back },
  },
  {
    name: 'a hint brings a removed item back as another one',
    rule: kept,
    file: 'src/core/catalog/apply.ts',
    text: 'coalesce((select item_no from r), (select last_item_no from number)), (select metadata from r),',
    becomes: 'coalesce((select last_item_no from number), (select item_no + 1 from r)), (select metadata from r),',
    killedBy: { file: 'test/integration/removals.test.ts', test: 'a hint gives an item back what it was' },
  },
  {
    name: 'a hint brings a removed item back without its metadata',
    rule: kept,
    file: 'src/core/catalog/apply.ts',
    text: '(select last_item_no from number)), (select metadata from r),',
    becomes: '(select last_item_no from number)), null,',
    killedBy: { file: 'test/integration/removals.test.ts', test: 'a hint gives an item back what it was' },
  },
  {
    name: 'what was removed long ago can be put back',
    rule: 'A removed item can be put back for 30 days.',
    file: 'src/core/catalog/marks.ts',
    text: ' and r.removed_at > to_timestamp($4::float8 / 1000)',
    becomes: ' and $4::float8 is not null',
    killedBy: { file: 'test/integration/ghosts-clear.test.ts', test: 'can be restored for 30 days' },
  },
  {
    name: 'an item that was kept out comes back as missing',
    rule: 'What is put back is what it was: missing, or kept out by patterns.',
    file: 'src/core/catalog/marks.ts',
    text: "r.dir_no, r.type_no,\n            case r.reason when 'excluded' then",
    becomes: "r.dir_no, r.type_no,\n            case r.reason when 'no reason' then",
    killedBy: { file: 'test/integration/ghosts.test.ts', test: 'stays visible as excluded' },
  },
  {
    name: 'clearing takes what is there',
    rule: 'Clearing takes what is missing at that moment, and nothing else.',
    file: 'src/core/catalog/marks.ts',
    text: 'const missing = items.filter((item) => item.state === MISSING)',
    becomes: 'const missing = items',
    killedBy: { file: 'test/integration/ghosts.test.ts', test: 'is cleared from the dataset without a word' },
  },
  {
    name: 'a hint that a file is gone removes the item although nobody said so',
    rule: 'A file that is gone is marked missing; only an event that says so, or a reconcile, removes (D13).',
    file: 'src/core/hints/resolve.ts',
    text: 'removes: held.removes,',
    becomes: 'removes: true,',
    killedBy: { file: 'test/integration/hints.test.ts', test: 'of a new file adds it with its folders' },
  },
  {
    name: 'data points are not reserved',
    rule: points,
    file: 'src/core/sync/rows/commit.ts',
    text: "if (target.writes === 'all') await reserveDataPoints(client, target.orgId, counts.added)",
    becomes: '',
    killedBy: { file: resync, test: quota },
  },
  {
    name: 'data points of refused rows are reserved',
    rule: points,
    file: 'src/core/sync/rows/commit.ts',
    text: 'counts.added = numbered.rows.rows - restored.refused.length',
    becomes: 'counts.added = numbered.rows.rows',
    killedBy: { file: 'test/integration/removals.test.ts', test: 'are exact when a page meets a later removal' },
  },
  {
    name: 'data points of removed items are kept',
    rule: points,
    file: 'src/core/catalog/marks.ts',
    text: 'const count = await takeOutItems(tx, target, itemNos, reason)\n  await releaseDataPoints(tx, target.orgId, count)',
    becomes: 'const count = await takeOutItems(tx, target, itemNos, reason)',
    killedBy: { file: resync, test: back },
  },
  {
    name: 'data points of what a hint removes are kept',
    rule: points,
    file: 'src/core/hints/resolve.ts',
    text: 'if (points < 0) await releaseDataPoints',
    becomes: 'if (points < -9) await releaseDataPoints',
    killedBy: { file: 'test/integration/removals.test.ts', test: 'a hint gives an item back what it was' },
  },
  {
    name: 'a first sync keeps what it wrote before the data points ran out',
    rule: allOrNothing,
    file: 'src/core/sync/absence/judge.ts',
    text: 'if (tally.over_quota > 0 && run.options.isFirst === true)',
    becomes: 'if (tally.over_quota < 0 && run.options.isFirst === true)',
    killedBy: { file: 'test/integration/removals.test.ts', test: 'that has not enough leaves nothing' },
  },
  {
    name: 'what a first sync takes back stays in the counters',
    rule: allOrNothing,
    file: 'src/core/catalog/marks.ts',
    text: '  await settleLeft(tx, target, items)\n  await releaseDataPoints(tx, target.orgId, items.length)\n',
    becomes: '  await releaseDataPoints(tx, target.orgId, items.length)\n',
    killedBy: { file: 'test/integration/removals.test.ts', test: 'that has not enough leaves nothing' },
  },
  {
    name: 'what a first sync takes back stays paid',
    rule: allOrNothing,
    file: 'src/core/catalog/marks.ts',
    text: '  await settleLeft(tx, target, items)\n  await releaseDataPoints(tx, target.orgId, items.length)\n',
    becomes: '  await settleLeft(tx, target, items)\n',
    killedBy: { file: 'test/integration/removals.test.ts', test: 'that has not enough leaves nothing' },
  },
]
