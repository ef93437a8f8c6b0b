/**
 * People and conversations, written straight into the tables: hundreds of sign-ups over HTTP would wait for argon2 and for the pace that the
 * relay keeps, and neither is measured here. What only a living server knows (its documents) is left to it.
 */
import { createHash } from 'node:crypto';
import type { Sql } from '../server/storage/sql.ts';
import { seeded, word, type Random } from './load/seeded.ts';
import type { Talk } from './load/plans.ts';
import type { Person } from './load/wires.ts';
import type { Server } from './servers.ts';

const SESSION_MILLIS = 30 * 86_400_000;
/** Rows of one statement. */
const PORTION = 5_000;

export class World {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  people(count: number): Person[] {
    return Array.from({ length: count }, () => ({
      id: `u${word(this.#random, 24)}`,
      cookie: `session=${word(this.#random, 40)}`,
    }));
  }

  /** So many conversations of these sizes, each with people of its own. */
  talks(count: number, size: number): Talk[] {
    return Array.from({ length: count }, () => this.talk(this.people(size)));
  }

  talk(people: Person[]): Talk {
    return { place: { conversation: `c${word(this.#random, 24)}`, page: 0 }, people };
  }
}

/** Makes them known to a server that asks who somebody is. */
export async function settle(server: Server, talks: readonly Talk[]): Promise<void> {
  const { sql } = server;
  if (sql === null || server.kind === 'hocuspocus') return;
  await insert(server, sql, talks);
  // In a database that has lived for a minute, autovacuum has done it: without it the first plans are made for empty tables.
  await sql`analyze`;
}

async function insert(server: Server, sql: Sql, talks: readonly Talk[]): Promise<void> {
  const members = talks.flatMap(({ place, people }) =>
    people.map((person) => ({ conversation: place.conversation, person: person.id })),
  );
  const conversations = talks.map(({ place }) => place.conversation);
  if (server.kind === 'usual') {
    await sql`insert into conversations (id) select * from unnest(${conversations}::text[])`;
    for (const part of portions(members))
      await sql`insert into members (conversation, user_id)
        select * from unnest(${part.map((m) => m.conversation)}::text[], ${part.map((m) => m.person)}::text[])`;
    return;
  }
  const people = [...new Map(talks.flatMap((talk) => talk.people).map((person) => [person.id, person])).values()];
  await settlePeople(sql, people);
  const kinds = talks.map((talk) => (talk.people.length === 2 ? 'direct' : 'group'));
  const owners = talks.map((talk) => talk.people[0]?.id ?? '');
  const now = Date.now();
  await sql`insert into conversations (id, kind, title, created_by, created_at)
    select id, kind, case when kind = 'group' then 'Group' end, owner, ${now}::bigint
    from unnest(${conversations}::text[], ${kinds}::text[], ${owners}::text[]) as t (id, kind, owner)`;
  for (const part of portions(members))
    await sql`insert into members (conversation, user_id, role, joined_at)
      select conversation, person, 'member', ${now}::bigint
      from unnest(${part.map((m) => m.conversation)}::text[], ${part.map((m) => m.person)}::text[]) as t (conversation, person)`;
}

async function settlePeople(sql: Sql, people: readonly Person[]): Promise<void> {
  const now = Date.now();
  for (const part of portions(people)) {
    const ids = part.map((person) => person.id);
    await sql`insert into users (id, email, name, name_folded, password_hash, created_at)
      select id, id || '@example.org', 'Person ' || left(id, 6), 'person ' || left(id, 6), 'none', ${now}::bigint
      from unnest(${ids}::text[]) as t (id)`;
    await sql`insert into sessions (id, user_id, expires_at, device, created_at, last_seen_at)
      select hash, id, ${new Date(now + SESSION_MILLIS)}::timestamptz, 'bench', ${now}::bigint, ${now}::bigint
      from unnest(${part.map((person) => sessionHash(person.cookie))}::text[], ${ids}::text[]) as t (hash, id)`;
  }
}

const sessionHash = (cookie: string): string =>
  createHash('sha256').update(cookie.slice('session='.length)).digest('hex');

function* portions<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += PORTION) yield all.slice(at, at + PORTION);
}
