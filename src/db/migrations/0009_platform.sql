-- What people and programs add to items, and where an item's object is when it is not simply the dataset's bucket.

-- creator_id: who brought the item in; null: whoever made the dataset (it came by a sync). annotations: how many it has, null: none; kept by whoever writes
-- annotations, in the same transaction. object_key: where the object is when that is not folder + path + name; object_driver_id: the driver that reaches it
-- when that is not the dataset's own (a clone of a bucket's file); with a key, without a driver of either kind, it is in the platform's own store.
-- origin: the item this one was cloned from.
alter table item
  add column creator_id        text references user_account,
  add column updater_id        text references user_account,
  add column description       text,
  add column object_driver_id  text,
  add column origin_dataset_no int,
  add column origin_item_no    bigint,
  add column annotations       int;
-- Whether anybody else refers to an object before it is deleted.
create index item_object on item (object_key) where object_key is not null;
create index item_annotated on item (dataset_no, item_no) where annotations > 0;
create index item_origin on item (origin_dataset_no, origin_item_no) where origin_item_no is not null;

-- An item that was removed keeps what people gave it.
alter table removed
  add column creator_id        text,
  add column updater_id        text,
  add column description       text,
  add column object_key        text collate "C",
  add column object_driver_id  text,
  add column origin_dataset_no int,
  add column origin_item_no    bigint,
  add column annotations       int;

-- Objects of the platform's store that nobody refers to any more; removed from it by a job.
create table unused_object (
  object_key text collate "C" primary key,
  since      timestamptz not null default now()
);

-- origin_dataset_no: the master of a clone, also when the master is gone. items with annotations and annotations: kept with item.annotations.
-- locked_until: no writes before it (an export holds the dataset); is_readonly is the person's own switch.
alter table dataset
  add column origin_dataset_no int,
  add column annotated         bigint not null default 0,
  add column annotations       bigint not null default 0,
  add column locked_until      timestamptz;

-- Annotations. annotation_no grows with the time of creation; an id is the dataset's number and it, like an item's. coordinates and attributes are kept as
-- they came. metadata: user and system, as the SDK sends it.
create table annotation (
  dataset_no    int not null,
  annotation_no bigint not null,
  item_no       bigint not null,
  type          text not null,
  label         text not null,
  attributes    jsonb,
  coordinates   jsonb,
  metadata      jsonb not null default '{}',
  source        text,
  hash          text,
  description   text,
  suggestions   jsonb,
  creator_id    text not null references user_account,
  updater_id    text not null references user_account,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  primary key (dataset_no, annotation_no)
);
create index annotation_item on annotation (dataset_no, item_no);
create index annotation_label on annotation (dataset_no, label, item_no);
