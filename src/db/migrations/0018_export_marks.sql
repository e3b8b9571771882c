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

-- What the platform makes itself uses no data points: the items of projects' hidden datasets.
update data_points q set used = greatest(0, q.used - s.items)
  from (select p.org_id, count(*) as items
          from item i join dataset d using (dataset_no) join project p on p.id = d.project_id where d.is_system group by p.org_id) s
 where q.org_id = s.org_id;

-- Files that are being written into a bucket in parts, noted before the first part is sent: what a crash leaves of them is given up later.
-- driver_id: null for the platform's own store. upload_id: the storage's number.
create table started_upload (
  upload_no  bigint generated always as identity primary key,
  driver_id  text references driver on delete cascade,
  object_key text collate "C" not null,
  upload_id  text not null,
  started_at timestamptz not null default now()
);
create index started_upload_age on started_upload (started_at);
create index started_upload_driver on started_upload (driver_id);
