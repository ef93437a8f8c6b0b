/** Finding people, and what one may see of them. */
import { isUserId } from '#shared/ids.ts';
import { PEOPLE_FOUND_MAX_COUNT } from '#shared/limits.ts';
import { findUsers, userById } from '../storage/users.ts';
import type { Sql } from '../storage/sql.ts';
import { type Handlers, ok, refuse } from './handler.ts';

export function peopleHandlers(sql: Sql): Pick<Handlers, 'searchPeople' | 'getPerson'> {
  return {
    async searchPeople({ query }) {
      return ok({ users: await findUsers(sql, query.q, PEOPLE_FOUND_MAX_COUNT) });
    },

    async getPerson({ params }) {
      const user = isUserId(params.id) ? await userById(sql, params.id) : null;
      if (user === null) return refuse('not-found');
      const { id, name, avatar, about } = user;
      return ok({ user: { id, name, avatar, about } });
    },
  };
}
