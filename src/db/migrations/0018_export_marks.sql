-- Exports in parts can tell what changed since an earlier one: each keeps a mark of every item that it gave, in objects of their own.

-- last_id: of marks, the id of the last item in them; marks are in the order of ids.
alter table export_part drop constraint export_part_kind_check;
alter table export_part add constraint export_part_kind_check check (kind in ('rows', 'file', 'marks'));
alter table export_part add column last_id text collate "C";

-- is_marked: it keeps marks. base_id: the export whose marks this one is compared with; and the version of that; null: it gives everything. seen: items read so far, changed or not.
alter table export_task add column is_marked boolean not null default false;
alter table export_task add column base_id text;
alter table export_task add column base_version int;
alter table export_task add column seen bigint not null default 0;
