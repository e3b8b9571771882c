-- Identity, vault, storage, catalog and sync. Text that is ordered or matched is collate "C": keys are bytes.
-- Ids are 24 hex characters as text; items and folders have numbers instead (see catalog below).

create table user_account (
  id            text primary key,
  email         text not null,
  kind          text not null default 'user' check (kind in ('user', 'bot')),
  first_name    text not null default '',
  last_name     text not null default '',
  password_hash text,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now()
);
create unique index user_account_email on user_account (lower(email));

-- Every token that must be revocable by id: refresh tokens, API keys, set-up links.
create table credential (
  id           text primary key,
  user_id      text not null references user_account on delete cascade,
  kind         text not null check (kind in ('access', 'refresh', 'api-key')),
  description  text not null default '',
  created_at   timestamptz not null default now(),
  expires_at   timestamptz not null,
  revoked_at   timestamptz
);
create index credential_user on credential (user_id);

-- One row a server: the key that signs tokens, whether set-up is done.
create table server_setting (
  name  text primary key,
  value jsonb not null
);

create table org (
  id         text primary key,
  name       text not null,
  creator_id text not null references user_account,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table org_member (
  org_id     text not null references org on delete cascade,
  user_id    text not null references user_account on delete cascade,
  role       text not null check (role in ('owner', 'admin', 'member', 'worker')),
  created_at timestamptz not null default now(),
  primary key (org_id, user_id)
);
create index org_member_user on org_member (user_id);

create table project (
  id         text primary key,
  org_id     text not null references org,
  name       text collate "C" not null,
  creator_id text not null references user_account,
  metadata   jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (org_id, name)
);

create table project_member (
  project_id text not null references project on delete cascade,
  user_id    text not null references user_account on delete cascade,
  role       text not null check (role in ('owner', 'engineer', 'annotationManager', 'annotator')),
  created_at timestamptz not null default now(),
  primary key (project_id, user_id)
);
create index project_member_user on project_member (user_id);

create table integration (
  id         text primary key,
  org_id     text not null references org,
  name       text not null,
  type       text not null,
  version    int not null default 1,
  metadata   jsonb not null default '{}',
  creator_id text not null references user_account,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index integration_org on integration (org_id);

-- A sealed credential document. Additional authenticated data is org, integration and version, so a row copied elsewhere does not open.
create table secret (
  integration_id text not null references integration on delete cascade,
  version        int not null,
  org_id         text not null,
  kek_id         text not null,
  wrapped_key    bytea not null,
  sealed         bytea not null,
  created_at     timestamptz not null default now(),
  primary key (integration_id, version)
);

-- A bucket as one organization sees it: the thing tickets and floors belong to. Fingerprint: provider, endpoint, account, bucket.
create table source (
  source_no   int generated always as identity primary key,
  org_id      text not null references org,
  provider    text not null,
  fingerprint text not null,
  floor       bigint not null default 0,
  unique (org_id, fingerprint)
);

-- Orders observations of storage. Taken before the remote read; clocks are never compared.
create sequence ticket cache 1;

create table driver (
  id             text primary key,
  project_id     text not null references project,
  integration_id text references integration,
  source_no      int not null references source,
  name           text not null,
  type           text not null,
  folder         text collate "C" not null,
  config         jsonb not null,
  allow_delete   boolean not null default false,
  epoch          int not null default 1,
  state          text not null default 'ready' check (state in ('ready', 'failed', 'disconnected')),
  state_reason   text,
  capabilities   jsonb,
  checked_at     timestamptz,
  creator_id     text not null references user_account,
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now()
);
create index driver_project on driver (project_id);
create index driver_integration on driver (integration_id);

create table dataset (
  dataset_no     int generated always as identity primary key,
  id             text not null unique,
  project_id     text not null references project,
  driver_id      text references driver,
  name           text not null,
  kind           text not null default 'master' check (kind in ('master', 'clone', 'merge')),
  is_system      boolean not null default false,
  is_readonly    boolean not null default false,
  metadata       jsonb not null default '{}',
  options        jsonb not null default '{}',
  creator_id     text not null references user_account,
  updater_id     text not null references user_account,
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now(),
  last_synced_at timestamptz,
  unique (project_id, name)
);
create index dataset_driver on dataset (driver_id);

-- Numbers handed out in blocks, apart from the dataset's own row so that taking a block waits for nobody's long transaction.
create table dataset_numbers (
  dataset_no   int primary key references dataset on delete cascade,
  last_item_no bigint not null default 0,
  last_dir_no  int not null default 1
);

-- Content types by number; an item row holds two bytes instead of a text.
create table media_type (
  type_no smallint generated always as identity primary key,
  name    text collate "C" not null unique
);

-- Folders. path is '' for the root and ends in '/' otherwise; dir_no 1 is the root. items and bytes count the folder's own live items,
-- deep_items and deep_bytes those below it as well; so the root's deep counters are the dataset's. Kept by whoever writes items, in the
-- same transaction. No foreign key: a drop of a dataset removes its rows in slices.
create table dir (
  dataset_no int not null,
  dir_no     int not null,
  parent_no  int not null,
  items      bigint not null default 0,
  bytes      bigint not null default 0,
  deep_items bigint not null default 0,
  deep_bytes bigint not null default 0,
  fp         bigint not null default 0,
  is_hidden  boolean not null default false,
  path       text collate "C" not null,
  name       text collate "C" not null,
  primary key (dataset_no, dir_no),
  unique (dataset_no, path)
);
create index dir_children on dir (dataset_no, parent_no, name);

-- Items. The key is driver folder + dir.path + name, byte for byte. item_no carries the creation time above 21 bits of sequence.
-- state: 0 live, 1 missing. flags, added up: 1 hidden (a segment starts with a dot), 2 unaddressable (a segment is '.' or '..'),
-- 4 archived (the storage wants a restore before a read). etag: see src/lib/etag.ts. updated_at: null while never updated.
create table item (
  item_no    bigint not null,
  size_bytes bigint not null,
  modified_at timestamptz,
  updated_at timestamptz,
  ticket     bigint not null,
  dataset_no int not null,
  dir_no     int not null,
  type_no    smallint not null,
  state      smallint not null default 0,
  flags      smallint not null default 0,
  name       text collate "C" not null,
  etag       bytea not null,
  object_key text collate "C",
  metadata   jsonb,
  primary key (dataset_no, item_no),
  unique (dataset_no, dir_no, name)
);

-- Keys that are in the storage and cannot be items, each with its reason; shown, never dropped in silence.
create table skipped (
  dataset_no int not null,
  key_sha256 bytea not null,
  key        bytea not null,
  reason     text not null,
  size_bytes bigint not null,
  found_at   timestamptz not null,
  run_no     bigint not null,
  primary key (dataset_no, key_sha256)
);

-- Long work as callers see it: polled by the SDK, shown by the console.
create table command (
  id         text primary key,
  type       text not null,
  status     text not null,
  progress   real not null default 0,
  spec       jsonb not null default '{}',
  error      text,
  error_code text,
  org_id     text references org,
  project_id text references project,
  creator_id text not null references user_account,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index command_creator on command (creator_id, created_at);

-- One sync of one dataset. lease and fence: a worker that lost its lease cannot write.
create table sync_run (
  run_no       bigint generated always as identity primary key,
  command_id   text not null unique references command,
  dataset_no   int not null references dataset on delete cascade,
  driver_epoch int not null,
  mode         text not null check (mode in ('load', 'merge')),
  state        text not null check (state in ('queued', 'running', 'success', 'failed', 'canceled')),
  ticket       bigint not null,
  fence        int not null default 0,
  lease_until  timestamptz,
  cancel_asked boolean not null default false,
  listed       bigint not null default 0,
  added        bigint not null default 0,
  changed      bigint not null default 0,
  unchanged    bigint not null default 0,
  markers      bigint not null default 0,
  hidden       bigint not null default 0,
  skipped      bigint not null default 0,
  requests     bigint not null default 0,
  attempts     int not null default 0,
  error_code   text,
  error        text,
  creator_id   text not null references user_account,
  created_at   timestamptz not null default now(),
  started_at   timestamptz,
  finished_at  timestamptz
);
create unique index sync_run_active on sync_run (dataset_no) where state in ('queued', 'running');
create index sync_run_dataset on sync_run (dataset_no, run_no);

-- Half-open key ranges (from_key, to_key] of a run; cursor is the last key whose rows are committed. Empty to_key: no end.
create table sync_range (
  run_no   bigint not null references sync_run on delete cascade,
  range_no int not null,
  from_key bytea not null,
  to_key   bytea,
  cursor   bytea not null,
  is_done  boolean not null default false,
  primary key (run_no, range_no)
);
