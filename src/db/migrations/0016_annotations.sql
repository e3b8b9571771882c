-- Annotations get numbers of their own, which carry the time of creation as items' numbers do (ADR 3).
alter table dataset_numbers add column last_annotation_no bigint not null default 0;
