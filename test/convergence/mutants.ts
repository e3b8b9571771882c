// The product with one rule of convergence broken: what the random stories must notice. `CONVERGENCE_MUTANT=name npm run test:convergence` must fail.

/** A rule that is broken: in this file this text becomes that. */
export interface Mutant {
  readonly file: string
  readonly from: RegExp
  readonly to: string
}

const hints = 'src/core/hints'
const sync = 'src/core/sync'

/** Every mutant by its name; `npm run test:convergence` with one of them fails with the default number of runs. */
export const mutants: Readonly<Record<string, Mutant>> = {
  'the floor is not raised by a run': {
    file: `${sync}/sync.ts`,
    from: /set floor = greatest\(floor, \$2\)/,
    to: 'set floor = greatest(floor, $2::bigint * 0)',
  },
  'a resolver does not ask for the floor': {
    file: `${hints}/resolve.ts`,
    from: /if \(!\(await isAboveFloor\(tx, held\.sourceNo, held\.ticket\)\)\)/,
    to: 'if (held.ticket < 0)',
  },
  'a resolver takes its ticket when it writes': {
    file: `${hints}/resolve.ts`,
    from: /ticket: held\.ticket,/,
    to: `ticket: (await tx.query("select nextval('ticket') as t")).rows[0].t,`,
  },
  'a key is cleared whatever was marked meanwhile': {
    file: `${hints}/lease.ts`,
    from: /and lease_until is not null and marked < \$3'/,
    to: `and lease_until is not null'`,
  },
  'a resolver that lost its lease writes': {
    file: `${hints}/lease.ts`,
    from: /if \(rowCount === 0\) throw new HoldLost/,
    to: 'if (rowCount === -1) throw new HoldLost',
  },
  'an older reading is written over a newer one': {
    file: 'src/core/catalog/apply.ts',
    from: />= target\.ticket\) return 'none'/,
    to: `>= target.ticket + 1e12) return 'none'`,
  },
  'an equal reading does not move the ticket': {
    file: 'src/core/catalog/apply.ts',
    from: /await tx\.query\('update item set ticket = \$3 where/,
    to: `await tx.query('update item set ticket = ticket + 0 * $3::bigint where`,
  },
  'no tombstone without an item': {
    file: 'src/core/catalog/apply.ts',
    from: /removed !== null \|\| target\.leavesTombstone/,
    to: 'removed !== null',
  },
  'a load goes on whatever a resolver read': {
    file: `${hints}/queries.ts`,
    from: /update sync_run set mode = 'compare'/,
    to: 'update sync_run set mode = mode',
  },
  'a resolver does not wait for pages': {
    file: `${hints}/queries.ts`,
    from: /order by r\.run_no for update of r/,
    to: 'order by r.run_no',
  },
  'a page writes over a later tombstone': {
    file: `${sync}/rows/changes.ts`,
    from: /r\.ticket > \$4 as is_newer/,
    to: '($4::bigint is null) as is_newer',
  },
  'a page writes over a later row': {
    file: `${sync}/rows/changes.ts`,
    from: /and i\.ticket = u\.seen_ticket/,
    to: 'and u.seen_ticket is not null',
  },
  'a page does not dispute a later row': {
    file: `${sync}/compare/merge.ts`,
    from: /if \(ticket > this\.#target\.ticket\) \{/,
    to: 'if (ticket < 0n) {',
  },
  'a worker that lost its run writes': {
    file: `${sync}/queries.ts`,
    from: /where run_no = \$1 and fence = \$2 and state = 'running' returning 1/,
    to: 'where run_no = $1 and $2::int is not null returning 1',
  },
  'absence is not confirmed': {
    file: `${sync}/absence/confirm.ts`,
    from: /const gone = chunk\.filter\(\(_, index\) => found\[index\] === null\)/,
    to: 'const gone = chunk.filter(() => found.length > 0)',
  },
  'a confirmation overrules later readings': {
    file: 'src/core/catalog/marks.ts',
    from: /and item_no = any\(\$2::bigint\[\]\) and ticket < \$3 order by item_no for update/,
    to: 'and item_no = any($2::bigint[]) and $3::bigint is not null order by item_no for update',
  },
  'the fingerprint is not kept when an item is refreshed': {
    file: 'src/core/catalog/apply.ts',
    from: /if \(item\.state === LIVE\) toggleFingerprint\(changes, hash, item\)\n/,
    to: '\n',
  },
  'data points are not settled': {
    file: `${hints}/resolve.ts`,
    from: /if \(points < 0\) await releaseDataPoints/,
    to: 'if (points < -9) await releaseDataPoints',
  },
}
