-- What happened to people's data while they were not looking. One row a notification, whoever reads it; repeats change the row (group_key).
-- news_no grows with every change that people should look at again; it orders the list. changed is the transaction of the last change of any kind:
-- a reader that has seen everything below a snapshot's oldest running transaction goes on from there and misses nothing, in whatever order
-- transactions commit. times: how often the same thing happened in a row.
create sequence notification_news;

create table notification (
  notification_no bigint generated always as identity primary key,
  news_no         bigint not null,
  changed         xid8 not null,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  times           int not null default 1,
  id              text not null unique,
  project_id      text not null references project on delete cascade,
  code            text not null,
  category        text not null,
  resource_type   text not null,
  resource_id     text not null,
  resource_name   text not null,
  resource_action text not null,
  group_key       text not null,
  text            text not null,
  progress        jsonb,
  unique (project_id, group_key)
);
create index notification_order on notification (project_id, news_no);
create index notification_changed on notification (changed);
create index notification_age on notification (updated_at);

-- What a user did with a notification: read or dismissed up to that news_no. A later news_no makes it unread, and shown, again.
create table notification_state (
  user_id         text not null references user_account on delete cascade,
  notification_no bigint not null references notification on delete cascade,
  read_no         bigint not null default 0,
  dismissed_no    bigint not null default 0,
  changed         xid8 not null,
  primary key (user_id, notification_no)
);
create index notification_state_changed on notification_state (user_id, changed);
create index notification_state_notification on notification_state (notification_no);

-- Categories that a user switched off.
create table notification_mute (
  user_id  text not null references user_account on delete cascade,
  category text not null,
  primary key (user_id, category)
);
