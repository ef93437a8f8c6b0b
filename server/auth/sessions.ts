/**
 * Who is signed in, on what. The only importer of Lucia. A session's id lives in one browser's cookie and nowhere else: the table has its
 * hash, and everybody else (the list of sessions, the sockets) speaks of it by its *handle*, the first half of that hash.
 */
import { PostgresJsAdapter } from '@lucia-auth/adapter-postgresql';
import { parseCookie, stringifySetCookie } from 'cookie';
import { type DatabaseSession, Lucia, TimeSpan } from 'lucia';
import { isUserId, type UserId } from '#shared/ids.ts';
import { SESSION_DAYS } from '#shared/limits.ts';
import type { SessionInfo } from '#shared/protocol/api.ts';
import type { Who } from '../exchange.ts';
import { gathered } from '../gathered.ts';
import type { Sql } from '../storage/sql.ts';
import { deviceName } from './device.ts';
import { hashedAdapter, sessionHash } from './hashed-adapter.ts';

declare module 'lucia' {
  interface Register {
    Lucia: Lucia<{ lastSeenAt: number }>;
    DatabaseSessionAttributes: SessionColumns;
  }
}
interface SessionColumns {
  device: string;
  created_at: number;
  last_seen_at: number;
}

const HANDLE_CHARS = 32;
const SECONDS_PER_DAY = 86_400;
/** "Last seen" is written at most this often for a session. */
const SEEN_EVERY_MILLIS = 60_000;
/** How long an ended session is remembered, for an upgrade that was being decided while it ended. */
const ENDED_MILLIS = 60_000;

/** A session that was looked up by its cookie; `cookie` is set when it was prolonged, and must go out with the answer. */
export type Signed = Who<UserId> & { cookie?: string };

export interface Sessions {
  begin(person: UserId, userAgent: string): Promise<{ cookie: string; session: string }>;
  of(cookieHeader: string): Promise<Signed | null>;
  list(who: Who<UserId>): Promise<SessionInfo[]>;
  /** True when this person had it. */
  end(person: UserId, handle: string): Promise<boolean>;
  /** All of this person's but one; answers with the handles of those that ended. */
  endOthers(who: Who<UserId>): Promise<string[]>;
  endExpired(): Promise<void>;
  /** Those of these handles whose sessions have not ended. */
  livingOf(handles: readonly string[]): Promise<Set<string>>;
  /** Whether it ended within the last minute. */
  hasEnded(handle: string): boolean;
  /** The cookie that takes the session's cookie away. */
  blankCookie: string;
}

export function createSessions(sql: Sql, secure: boolean, now: () => number = Date.now): Sessions {
  const read = gathered((hashes: readonly string[]) => readSessions(sql, hashes));
  // One round at a time, so that no two wait for each other's rows.
  const seen = gathered((hashes: readonly string[]) => writeSeen(sql, hashes, now()), { atOnce: 1 });
  const lucia = new Lucia(hashedAdapter(new PostgresJsAdapter(sql, { user: 'users', session: 'sessions' }), read), {
    sessionExpiresIn: new TimeSpan(SESSION_DAYS, 'd'),
    getSessionAttributes: ({ last_seen_at }) => ({ lastSeenAt: last_seen_at }),
  });
  const name = secure ? '__Host-session' : 'session';
  const cookieWith = (value: string, maxAge: number): string =>
    stringifySetCookie({ name, value, maxAge, path: '/', httpOnly: true, sameSite: 'strict', secure });
  const ended = new Map<string, number>();
  const remember = (handle: string): void => {
    for (const [each, at] of ended) if (at < now() - ENDED_MILLIS) ended.delete(each);
    ended.set(handle, now());
  };

  return {
    blankCookie: cookieWith('', 0),

    async begin(person, userAgent) {
      const at = now();
      const session = await lucia.createSession(person, {
        device: deviceName(userAgent),
        created_at: at,
        last_seen_at: at,
      });
      return {
        cookie: cookieWith(session.id, SESSION_DAYS * SECONDS_PER_DAY),
        session: handleOf(sessionHash(session.id)),
      };
    },

    async of(cookieHeader) {
      const id = parseCookie(cookieHeader)[name];
      if (id === undefined || !/^[0-9a-z]{20,64}$/.test(id)) return null;
      const { session } = await lucia.validateSession(id);
      if (session === null || !isUserId(session.userId)) return null;
      const hash = sessionHash(id);
      if (session.lastSeenAt < now() - SEEN_EVERY_MILLIS) await seen(hash);
      const signed: Signed = { person: session.userId, session: handleOf(hash) };
      return session.fresh ? { ...signed, cookie: cookieWith(id, SESSION_DAYS * SECONDS_PER_DAY) } : signed;
    },

    async list({ person, session }) {
      const rows = await sql<{ id: string; device: string; created_at: number; last_seen_at: number }[]>`
        select id, device, created_at, last_seen_at from sessions
        where user_id = ${person} and expires_at > now()
        order by last_seen_at desc, created_at desc`;
      return rows.map((row) => ({
        id: handleOf(row.id),
        device: row.device,
        createdAt: row.created_at,
        lastSeenAt: row.last_seen_at,
        current: handleOf(row.id) === session,
      }));
    },

    async end(person, handle) {
      const gone = await sql`
        delete from sessions where user_id = ${person} and left(id, ${HANDLE_CHARS}) = ${handle} returning id`;
      if (gone.length > 0) remember(handle);
      return gone.length > 0;
    },

    async endOthers({ person, session }) {
      const gone = await sql<{ id: string }[]>`
        delete from sessions where user_id = ${person} and left(id, ${HANDLE_CHARS}) <> ${session} returning id`;
      const handles = gone.map((row) => handleOf(row.id));
      handles.forEach(remember);
      return handles;
    },

    endExpired: () => lucia.deleteExpiredSessions(),

    async livingOf(handles) {
      if (handles.length === 0) return new Set();
      const living = await sql<{ handle: string }[]>`
        select left(id, ${HANDLE_CHARS}) as handle from sessions
        where left(id, ${HANDLE_CHARS}) = any(${[...handles]}) and expires_at > now()`;
      return new Set(living.map(({ handle }) => handle));
    },

    hasEnded: (handle) => ended.has(handle),
  };
}

/** Null for those that are not there. */
export async function readSessions(sql: Sql, hashes: readonly string[]): Promise<(DatabaseSession | null)[]> {
  const rows = await sql<({ id: string; user_id: UserId | null; expires_at: Date } & SessionColumns)[]>`
    select asked.id, user_id, expires_at, device, created_at, last_seen_at
    from unnest(${[...hashes]}::text[]) with ordinality as asked (id, n) left join sessions on sessions.id = asked.id
    order by asked.n`;
  return rows.map(({ id, user_id, expires_at, ...attributes }) =>
    user_id === null ? null : { id, userId: user_id, expiresAt: expires_at, attributes },
  );
}

async function writeSeen(sql: Sql, hashes: readonly string[], at: number): Promise<void[]> {
  await sql`update sessions set last_seen_at = ${at} where id = any(${[...hashes]}::text[])`;
  return hashes.map(() => undefined);
}

const handleOf = (hash: string): string => hash.slice(0, HANDLE_CHARS);
