-- What a sync needs to keep an index true: what was missed, what has to be looked at again, what was removed and may come back.

-- state: 0 live, 1 missing in the storage, 2 excluded by the dataset's patterns. dir.fp covers live items only; dir.items counts every row.
-- flags gains 8: changed in the storage since somebody last looked.
alter table item add column missing_at timestamptz;
create index item_changed on item (dataset_no, dir_no) where (flags & 8) = 8;
create index item_excluded on item (dataset_no, dir_no) where state = 2;

-- Items that were taken out of a dataset, for 30 days: when their file is there again, number, metadata and annotations come back.
-- reason: gone, excluded or cleared. The ticket keeps older observations from bringing them back.
create table removed (
  dataset_no  int not null,
  dir_no      int not null,
  item_no     bigint not null,
  ticket      bigint not null,
  size_bytes  bigint not null,
  modified_at timestamptz,
  removed_at  timestamptz not null,
  type_no     smallint not null,
  flags       smallint not null,
  reason      text not null,
  name        text collate "C" not null,
  etag        bytea not null,
  metadata    jsonb,
  primary key (dataset_no, dir_no, name)
);
create index removed_age on removed (removed_at);

-- Fingerprints of stretches of large folders, so that one change in a folder of a million costs some hundred rows. A segment ends at a name that is a
-- border (src/core/catalog/segments.ts) and begins behind the border before it, behind_name ('' at the folder's begin); where it is missing, its rows
-- are read and it is made anew.
create table dir_segment (
  dataset_no int not null,
  dir_no     int not null,
  fp         bigint not null,
  behind_name text collate "C" not null,
  last_name  text collate "C" not null,
  primary key (dataset_no, dir_no, last_name)
);

-- Times that others than a sync's batch wrote items of the folder: a segment that was compared before is not kept when it grew meanwhile.
alter table dir add column edits bigint not null default 0;

-- Keys of a source that have to be read again (D12): a hint, never a fact. marked is the ticket of the newest hint. removes: when the file is gone, the
-- item goes (an event said so); otherwise it is marked missing.
create table dirty (
  source_no   int not null references source on delete cascade,
  key_sha256  bytea not null,
  key         bytea not null,
  marked      bigint not null,
  fence       int not null default 0,
  attempts    int not null default 0,
  removes     boolean not null default false,
  lease_until timestamptz,
  not_before  timestamptz,
  error_code  text,
  primary key (source_no, key_sha256)
);
create index dirty_order on dirty (source_no, marked);

-- Items that a run's listing did not show. A hint as well: each is confirmed by another read before it is marked. place: order of the keys, given
-- when the listing has ended; null again when it is settled. moved_to: the new item with the same content, where exactly one went and one came.
create table absence (
  run_no   bigint not null references sync_run on delete cascade,
  item_no  bigint not null,
  moved_to bigint,
  dir_no   int not null,
  place    int,
  primary key (run_no, item_no)
);
create index absence_place on absence (run_no, place) where place is not null;

-- Items that a run has listed unchanged, where a storage lists in no order: only then absence has to be found by what was not seen.
create table seen (
  run_no  bigint not null references sync_run on delete cascade,
  item_no bigint not null,
  primary key (run_no, item_no)
);

alter table sync_run drop constraint sync_run_mode_check;
alter table sync_run add constraint sync_run_mode_check check (mode in ('load', 'compare'));
alter table sync_run drop constraint sync_run_state_check;
alter table sync_run add constraint sync_run_state_check
  check (state in ('queued', 'running', 'paused', 'parked', 'success', 'failed', 'canceled'));
drop index sync_run_active;
create unique index sync_run_active on sync_run (dataset_no) where state in ('queued', 'running', 'paused', 'parked');

-- options: what was asked for (forceRescan, dryRun, reconcile, matchMoved, approved). report: samples of what was met, and why it is parked.
-- phase: listing, counting (only what is needed, after a quota stop), confirming, undoing.
-- due_at: when its next slice may begin; one that nobody has taken some seconds later has lost its job.
alter table sync_run
  add column phase       text not null default 'listing',
  add column options     jsonb not null default '{}',
  add column report      jsonb not null default '{}',
  add column missing     bigint not null default 0,
  add column returned    bigint not null default 0,
  add column removed     bigint not null default 0,
  add column moved       bigint not null default 0,
  add column excluded    bigint not null default 0,
  add column over_quota  bigint not null default 0,
  add column pause_asked boolean not null default false,
  add column due_at      timestamptz not null default now();

-- Where the driver's mark in the bucket (a small file in the hidden folder) says that this is still the bucket it was.
alter table driver add column mark text;
