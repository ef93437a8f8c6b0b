-- Files that came with messages, and pictures of people and groups. Their bytes are in the folder or in S3, under the SHA-256 of the bytes.
create table blobs (
  sha256     text primary key,
  size       bigint not null,
  -- What the bytes say it is.
  type       text not null,
  created_at bigint not null
);

-- Who brought, or passed on, a blob to where: a conversation, or for a profile picture the person themself.
create table blob_grants (
  sha256 text not null references blobs on delete cascade,
  scope  text not null,
  person text not null references users on delete cascade,
  at     bigint not null,
  primary key (sha256, scope, person)
);
create index blob_grants_by_person on blob_grants (person);
create index blob_grants_by_scope on blob_grants (scope);

-- Which messages name a blob is read from the messages: an edit or a deletion then needs no second bookkeeping.
create function blobs_named(value jsonb) returns jsonb language sql immutable strict parallel safe as $$
  select jsonb_path_query_array(value, '$.attachments[*].sha256') || jsonb_path_query_array(value, '$.attachments[*].poster')
$$;
create index messages_by_blob on messages using gin (blobs_named(value) jsonb_path_ops) where value ? 'attachments';

-- The picture of a group: the SHA-256 of a blob, or null.
alter table conversations add column avatar text;
create index conversations_by_avatar on conversations (avatar) where avatar is not null;
create index users_by_avatar on users (avatar) where avatar is not null;
