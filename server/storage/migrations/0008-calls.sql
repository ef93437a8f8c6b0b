-- Calls: those that ring or go on (ended_at is null), so that they outlive a restart of the relay, and those that were.
create table calls (
  id           text primary key,
  conversation text not null references conversations on delete cascade,
  caller       text not null references users on delete cascade,
  video        boolean not null,
  started_at   bigint not null,
  -- When a second person was in; null when nobody answered.
  answered_at  bigint,
  alone_since  bigint,
  ended_at     bigint,
  outcome      text check (outcome in ('answered', 'missed', 'cancelled', 'declined', 'busy', 'failed')),
  -- Everybody in it and where they are (src/shared/model/call.ts).
  people       jsonb not null,
  -- Who has been in it, and for whom it only rang.
  took_part    text[] not null,
  missed       text[] not null default '{}',
  -- The message that it leaves in its conversation once it is over, and whether that is written.
  trace        text,
  is_traced    boolean not null default false,
  check ((ended_at is null) = (outcome is null)),
  check ((ended_at is null) = (trace is null))
);
create index calls_by_conversation on calls (conversation, started_at);
create unique index calls_live on calls (conversation) where ended_at is null;
create index calls_untraced on calls (id) where ended_at is not null and not is_traced;
