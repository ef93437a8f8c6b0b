/** Accounts with a session, without the work of hashing passwords. */
import { createHash, randomBytes } from 'node:crypto';
import { newUserId, type UserId } from '#shared/ids.ts';
import type { Sql } from '../storage/sql.ts';

export interface Somebody {
  id: UserId;
  cookie: string;
}

export async function makePeople(sql: Sql, count: number): Promise<Somebody[]> {
  const made = Array.from({ length: count }, () => ({ id: newUserId(), session: randomBytes(20).toString('hex') }));
  const ids = made.map(({ id }) => id);
  const hashes = made.map(({ session }) => createHash('sha256').update(session).digest('hex'));
  await sql`
    insert into users (id, email, name, name_folded, password_hash, created_at)
    select id, id || '@example.org', id, id, '', 0 from unnest(${ids}::text[]) as n (id)`;
  await sql`
    insert into sessions (id, user_id, expires_at, last_seen_at)
    select hash, person, now() + interval '1 day', ${Date.now()} from unnest(${hashes}::text[], ${ids}::text[]) as n (hash, person)`;
  return made.map(({ id, session }) => ({ id, cookie: `session=${session}` }));
}
