-- missing_at: since when the file was known to be gone, so that an item that is put back by hand says so again. The ticket of an item that a user cleared is
-- its own last one: clearing says nothing about the storage.
alter table removed add column missing_at timestamptz;
create index removed_order on removed (dataset_no, removed_at, item_no);
create index removed_item on removed (dataset_no, item_no);

-- Long work on many items of a dataset, as long as it is under way; its command keeps what came of it. Items are worked on in the order of their numbers:
-- cursor is the last one that is done. filter: as a query has it; null: all. Only items that nobody has written since the ticket are touched.
create table item_task (
  command_id  text primary key references command on delete cascade,
  dataset_no  int not null references dataset on delete cascade,
  kind        text not null check (kind in ('clear-missing', 'clear-changed', 'restore')),
  filter      jsonb,
  ticket      bigint not null,
  cursor      bigint not null default 0,
  done        bigint not null default 0,
  total       bigint not null,
  attempts    int not null default 0,
  lease_until timestamptz not null
);
create index item_task_lease on item_task (lease_until);
create index item_task_dataset on item_task (dataset_no);
