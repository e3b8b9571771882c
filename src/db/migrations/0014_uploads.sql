-- Items that people upload, and folders that they make.

-- A folder that somebody made stays although nothing is in it; those above it as well.
alter table dir add column is_kept boolean not null default false;
create index removed_object on removed (object_key) where object_key is not null;

-- Whoever drops the reference to an object of the platform's store (a delete, an overwrite, the sweep of a deleted dataset) need not think of the object: its key
-- is kept in the same transaction, and a job removes what nobody else refers to.
create function note_unused_object() returns trigger language plpgsql as $$
begin
  insert into unused_object (object_key) values (old.object_key) on conflict (object_key) do update set since = now();
  return null;
end $$;
create trigger item_object_gone after delete on item for each row
  when (old.object_key is not null and old.object_driver_id is null) execute function note_unused_object();
create trigger item_object_changed after update of object_key on item for each row
  when (old.object_key is not null and old.object_driver_id is null and old.object_key is distinct from new.object_key) execute function note_unused_object();
create trigger removed_object_gone after delete on removed for each row
  when (old.object_key is not null and old.object_driver_id is null) execute function note_unused_object();
