-- Long work over the items of datasets (clones, merges, bulk changes), as long as it is under way; its command keeps what came of it.

-- dataset_no: the dataset that is written; null while a clone's is not made yet, and when it is deleted meanwhile. spec: what was asked. state: how far it is,
-- committed with what it says. revision: raised by every step, so of two workers at once one starts anew. undo: the work is being taken back, and why.
create table dataset_task (
  command_id  text primary key references command on delete cascade,
  kind        text not null check (kind in ('clone', 'clone-item', 'merge', 'split', 'metadata', 'collect', 'uncollect', 'drop-collection')),
  dataset_no  int references dataset on delete set null,
  creator_id  text not null references user_account,
  spec        jsonb not null,
  state       jsonb not null default '{}',
  undo        jsonb,
  revision    int not null default 0,
  attempts    int not null default 0,
  lease_until timestamptz not null
);
create index dataset_task_lease on dataset_task (lease_until);
create index dataset_task_dataset on dataset_task (dataset_no);
