/** The table `users`: the people who have an account here. */
import { folded } from '#shared/folded.ts';
import type { Sha256, UserId } from '#shared/ids.ts';
import { dueForAllOf } from './mirrors-due.ts';
import type { Sql } from './sql.ts';

export interface User {
  id: UserId;
  email: string;
  name: string;
  about: string;
  avatar: Sha256 | null;
  created_at: number;
}

/** False when the address is taken. */
export async function insertUser(sql: Sql, user: User, passwordHash: string): Promise<boolean> {
  const rows = await sql`
    insert into users (id, email, name, name_folded, about, avatar, password_hash, created_at)
    values (${user.id}, ${user.email}, ${user.name}, ${folded(user.name)}, ${user.about}, ${user.avatar}, ${passwordHash}, ${user.created_at})
    on conflict (email) do nothing
    returning id`;
  return rows.length > 0;
}

export async function userById(sql: Sql, id: UserId): Promise<User | null> {
  const [row] = await sql<User[]>`select id, email, name, about, avatar, created_at from users where id = ${id}`;
  return row ?? null;
}

/** With the hash of the password: for signing in only. */
export async function credentialsByEmail(sql: Sql, email: string): Promise<(User & { password_hash: string }) | null> {
  const [row] = await sql<(User & { password_hash: string })[]>`
    select id, email, name, about, avatar, created_at, password_hash from users where email = ${email}`;
  return row ?? null;
}

export async function passwordHashOf(sql: Sql, id: UserId): Promise<string | null> {
  const [row] = await sql<{ password_hash: string }[]>`select password_hash from users where id = ${id}`;
  return row?.password_hash ?? null;
}

export async function setPasswordHash(sql: Sql, id: UserId, passwordHash: string): Promise<void> {
  await sql`update users set password_hash = ${passwordHash} where id = ${id}`;
}

/** Null leaves a field as it is; a picture is left as it is when it is left out, and taken away by null. */
export async function updateProfile(
  sql: Sql,
  id: UserId,
  name: string | null,
  about: string | null,
  avatar?: Sha256 | null,
): Promise<User | null> {
  const [row] = await sql<User[]>`
    ${name === null && avatar === undefined ? sql`` : sql`with due as (${dueForAllOf(sql, id)})`}
    update users set
      name = coalesce(${name}, name),
      name_folded = coalesce(${name === null ? null : folded(name)}, name_folded),
      about = coalesce(${about}, about),
      avatar = ${avatar === undefined ? sql`avatar` : avatar}
    where id = ${id}
    returning id, email, name, about, avatar, created_at`;
  return row ?? null;
}

/** In one statement; never back. */
export async function setLastSeen(sql: Sql, people: readonly { id: UserId; at: number }[]): Promise<void> {
  await sql`
    update users set last_seen_at = n.at
    from unnest(${people.map(({ id }) => id)}::text[], ${people.map(({ at }) => at)}::bigint[]) as n (id, at)
    where users.id = n.id and (users.last_seen_at is null or users.last_seen_at < n.at)`;
}

/** Those of these ids that exist. */
export async function existingUsers(sql: Sql, ids: readonly UserId[]): Promise<UserId[]> {
  const rows = await sql<{ id: UserId }[]>`select id from users where id = any(${[...ids]})`;
  return rows.map((row) => row.id);
}

/** By the beginning of any word of the name, or of the address; by name. */
export async function findUsers(
  sql: Sql,
  words: string,
  limit: number,
): Promise<Pick<User, 'id' | 'name' | 'avatar'>[]> {
  const name = literal(folded(words).trim());
  const email = literal(words.trim().toLowerCase());
  return sql<Pick<User, 'id' | 'name' | 'avatar'>[]>`
    select id, name, avatar from users
    where name_folded like ${`${name}%`} or name_folded like ${`% ${name}%`} or email like ${`${email}%`}
    order by name_folded, id
    limit ${limit}`;
}

/** A text in which `like` finds nothing to interpret. */
const literal = (text: string): string => text.replace(/[\\%_]/g, '\\$&');
