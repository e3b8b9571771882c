-- What people gave their items, found by equality at any size. The document stands under its dataset's number, so that entries of one dataset lie apart from
-- all others'; src/core/items/query/document.ts has the same expression. No list of pending entries: it would be read with every query until it is emptied.
create index item_document on item using gin (jsonb_set('{}'::jsonb, array[dataset_no::text], metadata) jsonb_path_ops)
  with (fastupdate = off) where metadata is not null;

-- Updates and deletions by query that are more than a request can do, as long as they are under way; their command keeps what came of them. Rows are worked on
-- in the order of their numbers: cursor is the last that is done. holder: the worker that is at it, until lease_until.
create table query_work (
  command_id  text primary key references command on delete cascade,
  dataset_no  int not null references dataset on delete cascade,
  query       jsonb not null,
  cursor      bigint not null,
  done        bigint not null,
  attempts    int not null default 0,
  holder      text,
  lease_until timestamptz not null
);
create index query_work_dataset on query_work (dataset_no);
