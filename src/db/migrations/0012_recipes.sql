-- Recipes and ontologies (what may be labelled, and how), feature sets and feature vectors.

-- roots: the tree of labels, kept as it came. attributes: the old kind, any JSON (a list of names mostly); attributes of today are in metadata.attributes.
-- metadata.system is kept without projectIds, which are told from ontology_project.
create table ontology (
  id         text collate "C" primary key,
  title      text,
  roots      jsonb not null default '[]',
  attributes jsonb not null default '[]',
  metadata   jsonb not null default '{}',
  creator_id text not null references user_account,
  updater_id text not null references user_account,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table ontology_project (
  ontology_id text collate "C" not null references ontology on delete cascade,
  project_id  text not null references project on delete cascade,
  position    int not null,
  primary key (ontology_id, project_id)
);
create index ontology_project_project on ontology_project (project_id, ontology_id);

-- settings: description, instructions, examples, customActions and uiSettings, as the SDK sends them.
create table recipe (
  id           text collate "C" primary key,
  title        text,
  ontology_ids text[] not null default '{}',
  settings     jsonb not null default '{}',
  metadata     jsonb not null default '{}',
  creator_id   text not null references user_account,
  updater_id   text not null references user_account,
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now()
);
create index recipe_ontologies on recipe using gin (ontology_ids);

create table recipe_project (
  recipe_id  text collate "C" not null references recipe on delete cascade,
  project_id text not null references project on delete cascade,
  position   int not null,
  primary key (recipe_id, project_id)
);
create index recipe_project_project on recipe_project (project_id, recipe_id);

-- A set of vectors of one length. org_id is what the caller said, model_id too: models are no part of this product.
create table feature_set (
  set_no      int generated always as identity primary key,
  id          text collate "C" not null unique,
  project_id  text not null references project on delete cascade,
  name        text collate "C" not null,
  type        text,
  entity_type text,
  size        int not null,
  org_id      text,
  model_id    text,
  creator_id  text not null references user_account,
  updater_id  text not null references user_account,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  unique (project_id, name)
);

-- vector_no carries the creation time above 21 bits of sequence, as an item's number does, but over all sets: so ids order as created whatever is asked for.
-- entity_id: of an item, an annotation or a dataset; dataset_no: the dataset it is in. No foreign keys: rows of a deleted set or dataset go in slices.
create sequence feature_vector_sequence;
create table feature_vector (
  dataset_no int not null,
  vector_no  bigint not null default ((extract(epoch from clock_timestamp()) * 1000)::bigint << 21) | (nextval('feature_vector_sequence') & 2097151),
  set_no     int not null,
  entity_id  text collate "C" not null,
  version    text,
  parent_id  text,
  org_id     text,
  value      double precision[] not null,
  creator_id text not null,
  primary key (dataset_no, vector_no)
);
create index feature_vector_no on feature_vector (vector_no);
create index feature_vector_set on feature_vector (set_no, vector_no);
create index feature_vector_of_entity on feature_vector (entity_id);
create index feature_vector_count on feature_vector (dataset_no, set_no);
-- One vector of a set for an entity, a version of its maker and a parent.
create unique index feature_vector_entity on feature_vector (dataset_no, entity_id, set_no, coalesce(version, ''), coalesce(parent_id, ''));
