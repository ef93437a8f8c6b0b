-- Times named *_at that are bigint are milliseconds since 1970; timestamptz only where Lucia's adapter wants it.

create table users (
  id            text primary key,
  email         text not null unique,
  name          text not null,
  name_folded   text not null,
  about         text not null default '',
  avatar        text,
  password_hash text not null,
  created_at    bigint not null
);
create index users_by_folded_name on users (name_folded text_pattern_ops);

-- id is the SHA-256 of the session's id: a stolen backup is not a set of live sessions.
create table sessions (
  id           text primary key,
  user_id      text not null references users on delete cascade,
  expires_at   timestamptz not null,
  device       text not null default '',
  created_at   bigint not null default 0,
  last_seen_at bigint not null default 0
);
create index sessions_by_user on sessions (user_id);

create table conversations (
  id         text primary key,
  kind       text not null check (kind in ('direct', 'group')),
  title      text,
  topic      text not null default '',
  created_by text not null references users,
  created_at bigint not null,
  last_seq   bigint not null default 0
);

create table members (
  conversation  text not null references conversations on delete cascade,
  user_id       text not null references users on delete cascade,
  role          text not null check (role in ('owner', 'admin', 'member')),
  joined_at     bigint not null,
  joined_seq    bigint not null default 0,
  left_at       bigint,
  read_seq      bigint not null default 0,
  delivered_seq bigint not null default 0,
  primary key (conversation, user_id)
);
create index members_by_user on members (user_id) where left_at is null;

-- What unread counts, the history route and search need of each stamped message. `value` is the message as it is now; null once deleted.
create table messages (
  conversation text not null references conversations on delete cascade,
  seq          bigint not null,
  id           text not null,
  page         integer not null,
  author       text not null,
  stamped_at   bigint not null,
  value        jsonb,
  deleted      boolean not null default false,
  primary key (conversation, seq),
  unique (conversation, id)
);

-- The append-only log of every document, and what it was compacted into.
create table updates (
  id       bigint generated always as identity primary key,
  document text not null,
  bytes    bytea not null
);
create index updates_by_document on updates (document, id);

create table snapshots (
  document text primary key,
  bytes    bytea not null,
  through  bigint not null
);

-- Whose a Yjs client id is, in a document; null is the relay's own.
create table document_clients (
  document text not null,
  client   bigint not null,
  person   text,
  primary key (document, client)
);
