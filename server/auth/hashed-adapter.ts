/**
 * Lucia stores session ids as they are. This stands between it and its adapter so that the table holds only their SHA-256 (rule H4): a
 * stolen backup is then not a set of live sessions. An id has 125 random bits, so a plain hash is enough.
 */
import { createHash } from 'node:crypto';
import type { Adapter, DatabaseSession } from 'lucia';

export const sessionHash = (id: string): string => createHash('sha256').update(id).digest('hex');

/** `read` finds a session by its hash. The table has none that belongs to nobody. */
export function hashedAdapter(inner: Adapter, read: (hash: string) => Promise<DatabaseSession | null>): Adapter {
  return {
    async getSessionAndUser(id) {
      const session = await read(sessionHash(id));
      // Lucia goes on to prolong or delete by the id it finds here, and those are hashed again.
      return session === null
        ? [null, null]
        : [
            { ...session, id },
            { id: session.userId, attributes: {} },
          ];
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
