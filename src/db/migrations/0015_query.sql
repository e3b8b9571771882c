-- What people gave their items, found by equality at any size. The document stands under its dataset's number, so that entries of one dataset lie apart from
-- all others'; src/core/items/query/document.ts has the same expression. No list of pending entries: it would be read with every query until it is emptied.
create index item_document on item using gin (jsonb_set('{}'::jsonb, array[dataset_no::text], metadata) jsonb_path_ops)
  with (fastupdate = off) where metadata is not null;
