-- Annotations use data points as files do: one for what they show first, and one for every further key frame of a video. dataset.annotation_points: those of
-- its items' annotations together, kept with dataset.annotations.
alter table annotation add column points int not null generated always as (
  1 + case when jsonb_typeof(metadata #> '{system,snapshots_}') = 'array' then jsonb_array_length(metadata #> '{system,snapshots_}') else 0 end
) stored;
alter table dataset add column annotation_points bigint not null default 0;
update dataset d set annotation_points = s.points
  from (select a.dataset_no, sum(a.points) as points
          from annotation a join item i on i.dataset_no = a.dataset_no and i.item_no = a.item_no group by a.dataset_no) s
 where d.dataset_no = s.dataset_no;
update data_points q set used = q.used + s.points
  from (select p.org_id, sum(d.annotation_points) as points from dataset d join project p on p.id = d.project_id group by p.org_id) s
 where q.org_id = s.org_id;

-- A dataset that is to be deleted at a later time: until then it is hidden and read-only, and can be restored. was_readonly: what it is restored to. Its name is
-- free for others meanwhile.
alter table dataset
  add column delete_at    timestamptz,
  add column deleted_at   timestamptz,
  add column deleter_id   text references user_account,
  add column was_readonly boolean,
  add constraint dataset_deletion check ((delete_at is null) = (deleted_at is null) and (delete_at is null) = (was_readonly is null));
alter table dataset drop constraint dataset_project_id_name_key;
create unique index dataset_name on dataset (project_id, name) where delete_at is null;
create index dataset_project on dataset (project_id);
create index dataset_delete_at on dataset (delete_at) where delete_at is not null;

-- What was done to an organization's integrations: kept when they are deleted, hence no reference to them. Nothing secret is ever in details.
create table audit_entry (
  entry_no         bigint generated always as identity primary key,
  org_id           text not null references org on delete cascade,
  happened_at      timestamptz not null default now(),
  actor_id         text references user_account,
  action           text not null check (action in ('created', 'renamed', 'changed', 'rotated', 'deleted', 'checked')),
  integration_id   text not null,
  integration_name text not null,
  integration_type text not null,
  details          jsonb not null default '{}'
);
create index audit_entry_org on audit_entry (org_id, entry_no);
create index audit_entry_integration on audit_entry (integration_id, entry_no);

-- A folder that is deleted with all that is in it: filter says which, and up to which item.
alter table item_task drop constraint item_task_kind_check;
alter table item_task add constraint item_task_kind_check check (kind in ('clear-missing', 'clear-changed', 'restore', 'delete-folder'));
