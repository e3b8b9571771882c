-- Bots of projects, plans of organizations, and settings.

-- project_id: whose bot it is; people have none. A bot's id is its e-mail address, because programs log in with either. Whoever is deleted keeps the row,
-- since what they made names them; they have no role, no password and no credential any more.
alter table user_account
  add column project_id text references project on delete set null,
  add column deleted_at timestamptz;
create index user_account_project on user_account (project_id) where project_id is not null;

alter table org
  add column plan text not null default 'premium' check (plan in ('freemium', 'premium'));

-- Settings that people and programs keep at a scope; what they mean is theirs. scope_id is as it was given; scope_key is what it stands for (a user's id
-- where the e-mail address was given, nothing for the platform). Exactly one of the four references is set where the scope is one of ours, so that a
-- setting goes with its scope.
create table setting (
  id               text primary key,
  name             text collate "C" not null,
  scope_type       text not null check (scope_type in ('DATALOOP', 'org', 'project', 'dataset', 'task', 'user')),
  scope_id         text,
  scope_key        text collate "C" not null,
  scope_role       text not null,
  prevent_override boolean not null,
  is_visible       boolean not null,
  org_id           text references org on delete cascade,
  project_id       text references project on delete cascade,
  dataset_no       int references dataset on delete cascade,
  user_id          text references user_account on delete cascade,
  setting_type     text not null check (setting_type in ('user_settings', 'feature_flag')),
  value_type       text not null check (value_type in ('boolean', 'number', 'select', 'multi-select', 'string')),
  value            jsonb,
  default_value    jsonb,
  metadata         jsonb,
  inputs           jsonb,
  description      text,
  icon             text,
  section_name     text,
  sub_section_name text,
  hint             text,
  creator_id       text not null references user_account,
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  unique (scope_type, scope_key, name, scope_role)
);
create index setting_org on setting (org_id) where org_id is not null;
create index setting_project on setting (project_id) where project_id is not null;
create index setting_dataset on setting (dataset_no) where dataset_no is not null;
create index setting_user on setting (user_id) where user_id is not null;

-- Projects made before every project had them get the hidden dataset and the bot that new ones begin with.
with made as (
  insert into dataset (id, project_id, name, is_system, metadata, options, creator_id, updater_id)
  select lpad(to_hex(extract(epoch from now())::bigint), 8, '0') || substr(md5(p.id || random()::text), 1, 16),
         p.id, 'Binaries', true, '{"system": {}}', '{"indexDriver": "v1"}', p.creator_id, p.creator_id
    from project p
  on conflict (project_id, name) do nothing
  returning dataset_no
), numbered as (
  insert into dataset_numbers (dataset_no) select dataset_no from made
)
insert into dir (dataset_no, dir_no, parent_no, path, name) select dataset_no, 1, 0, '', '' from made;

with made as (
  insert into user_account (id, email, kind, first_name, project_id)
  select b.address, b.address, 'bot', 'default bot', b.id
    from (select p.id, 'bot.' || md5(p.id || random()::text) || '@bots.invalid' as address from project p) b
  returning id, project_id
)
insert into project_member (project_id, user_id, role) select project_id, id, 'engineer' from made;
