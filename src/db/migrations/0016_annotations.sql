-- Annotations get numbers of their own, which carry the time of creation as items' numbers do (ADR 3).
alter table dataset_numbers add column last_annotation_no bigint not null default 0;

-- Exports. One row an export, as long as its files may be fetched; what came of it stays on its command. request: what was asked for, in our own form.
-- cursor: id of the last item whose row is written. lock_until: it holds the dataset against writes so long. No foreign key to the dataset: when that is
-- deleted, the files have to be found to be removed. lease_until: null when it has ended.
create table export_task (
  command_id  text primary key references command on delete cascade,
  dataset_no  int not null,
  version     int not null,
  request     jsonb not null,
  cursor      text,
  is_read     boolean not null default false,
  records     bigint not null default 0,
  total       bigint not null,
  attempts    int not null default 0,
  lock_until  timestamptz,
  lease_until timestamptz,
  created_at  timestamptz not null default now()
);
create index export_task_lease on export_task (lease_until) where lease_until is not null;
create index export_task_dataset on export_task (dataset_no);

-- Objects of the platform's store that an export consists of: the rows as they are read, and the files that are made of them.
create table export_part (
  command_id text not null references export_task on delete cascade,
  kind       text not null check (kind in ('rows', 'file')),
  part_no    int not null,
  object_key text collate "C" not null,
  size_bytes bigint not null,
  records    bigint not null,
  md5        text not null,
  primary key (command_id, kind, part_no)
);
create index export_part_object on export_part (object_key);

-- Versions of a dataset's exports only grow.
alter table dataset_numbers add column last_export_no int not null default 0;
