/** Accounts and sessions: signing up, in and out, the list of one's devices, one's own profile. */
import { newUserId, type UserId } from '#shared/ids.ts';
import type { Me, SessionInfo } from '#shared/protocol/api.ts';
import type { Who } from '../exchange.ts';
import { hasBrought } from '../storage/blobs.ts';
import {
  credentialsByEmail,
  insertUser,
  passwordHashOf,
  setPasswordHash,
  updateProfile,
  type User,
  userById,
} from '../storage/users.ts';
import type { Sql } from '../storage/sql.ts';
import { created, done, type Handlers, ok, refuse } from './handler.ts';

export interface AccountParts {
  sql: Sql;
  signup: 'open' | 'invite' | 'closed';
  passwords: {
    hash(password: string): Promise<string>;
    /** `stored` null: no such account; takes as long as a wrong password. */
    matches(stored: string | null, password: string): Promise<boolean>;
  };
  sessions: {
    begin(person: UserId, userAgent: string): Promise<{ cookie: string }>;
    list(who: Who<UserId>): Promise<SessionInfo[]>;
    end(person: UserId, handle: string): Promise<boolean>;
    endOthers(who: Who<UserId>): Promise<string[]>;
    blankCookie: string;
  };
  pace: {
    signUp(address: string): number;
    signIn(address: string, account: string): { waitSeconds: number; succeeded(): void };
  };
  /** These sessions are over: their sockets close. */
  sessionEnded(handle: string): Promise<void>;
  /** This person's name or picture changed: whoever shows it has to hear. */
  looksOther(person: UserId): void;
}

type AccountRoutes =
  'signup' | 'login' | 'logout' | 'session' | 'listSessions' | 'endSession' | 'changePassword' | 'updateMe';

export function accountHandlers(parts: AccountParts): Pick<Handlers, AccountRoutes> {
  const { sql, passwords, sessions, pace } = parts;

  return {
    async signup({ body: { email, password, name }, address, userAgent }) {
      if (parts.signup !== 'open') return refuse('signup-closed');
      const waitSeconds = pace.signUp(address);
      if (waitSeconds > 0) return refuse('too-fast', { retryAfterSeconds: waitSeconds });
      const user: User = { id: newUserId(), email, name, about: '', avatar: null, created_at: Date.now() };
      const fresh = await insertUser(sql, user, await passwords.hash(password));
      if (!fresh) return refuse('email-taken', { fields: { email: 'There is an account with this address already.' } });
      const { cookie } = await sessions.begin(user.id, userAgent);
      return { ...created({ user: me(user) }), cookie };
    },

    async login({ body: { email, password }, address, userAgent, who }) {
      const attempt = pace.signIn(address, email);
      if (attempt.waitSeconds > 0) return refuse('too-fast', { retryAfterSeconds: attempt.waitSeconds });
      const user = await credentialsByEmail(sql, email);
      const matches = await passwords.matches(user?.password_hash ?? null, password);
      if (user === null || !matches) return refuse('wrong-credentials');
      attempt.succeeded();
      // The browser's earlier session has just lost its only cookie.
      if (who !== null) await endSession(who.person, who.session);
      const { cookie } = await sessions.begin(user.id, userAgent);
      return { ...ok({ user: me(user) }), cookie };
    },

    async logout({ who }) {
      if (who !== null) await endSession(who.person, who.session);
      return { ...done(), cookie: sessions.blankCookie };
    },

    async session({ who }) {
      const user = await userById(sql, who.person);
      return user === null ? refuse('signed-out') : ok({ user: me(user) });
    },

    async listSessions({ who }) {
      return ok({ sessions: await sessions.list(who) });
    },

    async endSession({ who, params }) {
      return (await endSession(who.person, params.id)) ? done() : refuse('not-found');
    },

    async changePassword({ who, body: { current, next }, address }) {
      const attempt = pace.signIn(address, who.person);
      if (attempt.waitSeconds > 0) return refuse('too-fast', { retryAfterSeconds: attempt.waitSeconds });
      const matches = await passwords.matches(await passwordHashOf(sql, who.person), current);
      if (!matches) return refuse('wrong-credentials', { fields: { current: 'This is not the current password.' } });
      attempt.succeeded();
      await setPasswordHash(sql, who.person, await passwords.hash(next));
      await Promise.all((await sessions.endOthers(who)).map((handle) => parts.sessionEnded(handle)));
      return done();
    },

    async updateMe({ who, body }) {
      const { avatar } = body;
      if (avatar != null && !(await hasBrought(sql, { sha256: avatar, scope: who.person, person: who.person })))
        return refuse('invalid-input', { fields: { avatar: 'Bring the picture first: PUT /api/blobs/…?profile=1.' } });
      const user = await updateProfile(sql, who.person, body.name ?? null, body.about ?? null, avatar);
      if (user === null) return refuse('signed-out');
      if (body.name !== undefined || avatar !== undefined) parts.looksOther(who.person);
      return ok({ user: me(user) });
    },
  };

  async function endSession(person: UserId, handle: string): Promise<boolean> {
    const was = await sessions.end(person, handle);
    if (was) await parts.sessionEnded(handle);
    return was;
  }
}

const me = ({ id, email, name, about, avatar, created_at }: User): Me => ({
  id,
  email,
  name,
  about,
  avatar,
  createdAt: created_at,
});
