-- People who were added and have no password yet get one through a link that who runs the server hands to them; a new link ends the one before.

-- token_sha256: of what stands in the link; the link itself is kept nowhere.
create table invitation (
  user_id      text primary key references user_account on delete cascade,
  token_sha256 bytea not null unique,
  expires_at   timestamptz not null,
  creator_id   text not null references user_account,
  created_at   timestamptz not null default now()
);
