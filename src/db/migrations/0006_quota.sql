-- Data points of an organization: one for every row of item in its datasets, live, missing or excluded. used is kept by whoever writes or
-- drops rows, in the same transaction and as its last statement, because this row is locked until that transaction ends. Null: no limit.
create table data_points (
  org_id     text primary key references org on delete cascade,
  points_max bigint check (points_max >= 0),
  used       bigint not null default 0 check (used >= 0)
);

insert into data_points (org_id, used)
select o.id, coalesce(sum(r.deep_items), 0)
  from org o
  left join project p on p.org_id = o.id
  left join dataset d on d.project_id = p.id
  left join dir r on r.dataset_no = d.dataset_no and r.dir_no = 1
 group by o.id;

-- Datasets that are synced by the clock: few among many, looked for every minute.
create index dataset_rescan on dataset (dataset_no) where options #>> '{sync,rescan,everyMinutes}' is not null;
