/**
 * Lucia stores session ids as they are. This stands between it and its adapter so that the table holds only their SHA-256 (rule H4): a
 * stolen backup is then not a set of live sessions. An id has 125 random bits, so a plain hash is enough.
 */
import { createHash } from 'node:crypto';
import type { Adapter, DatabaseSession } from 'lucia';

export const sessionHash = (id: string): string => createHash('sha256').update(id).digest('hex');

export function hashedAdapter(inner: Adapter): Adapter {
  return {
    async getSessionAndUser(id) {
      const [session, user] = await inner.getSessionAndUser(sessionHash(id));
      // These are two queries, and Lucia ends a session that belongs to nobody. The table has none: one of the answers is not to be believed.
      if (session !== null && user === null) throw new Error('a session was found, and not whose it is');
      // Lucia goes on to prolong or delete by the id it finds here, and those are hashed again.
      return [session === null ? null : { ...session, id }, user];
    },
    getUserSessions: (): Promise<DatabaseSession[]> =>
      Promise.reject(new Error('the ids are not known; read the table')),
    setSession: (session) => inner.setSession({ ...session, id: sessionHash(session.id) }),
    updateSessionExpiration: (id, expiresAt) => inner.updateSessionExpiration(sessionHash(id), expiresAt),
    deleteSession: (id) => inner.deleteSession(sessionHash(id)),
    deleteUserSessions: (person) => inner.deleteUserSessions(person),
    deleteExpiredSessions: () => inner.deleteExpiredSessions(),
  };
}
