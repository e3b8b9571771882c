-- The organization a user's new projects go to, where the request does not name one (the vendor's SDK never does).
alter table user_account add column chosen_org_id text references org on delete set null;
