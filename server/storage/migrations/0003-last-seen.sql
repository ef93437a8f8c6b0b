-- When the person was last here (milliseconds since 1970); null: never, or not since this column is.
alter table users add column last_seen_at bigint;
