/** Calls for programs: those that were, and how to get through firewalls. Calling itself is on the control channel. */
import type { UserId } from '#shared/ids.ts';
import type { AnswerOf } from '#shared/protocol/api.ts';
import { pastCalls } from '../storage/calls.ts';
import type { Sql } from '../storage/sql.ts';
import { type Handlers, ok } from './handler.ts';

export function callHandlers(
  sql: Sql,
  iceServers: (person: UserId) => AnswerOf<'iceServers'>,
): Pick<Handlers, 'calls' | 'iceServers'> {
  return {
    async calls({ who, query: { before, limit } }) {
      return ok({ calls: await pastCalls(sql, who.person, { before, limit }) });
    },

    iceServers: ({ who }) => Promise.resolve(ok(iceServers(who.person))),
  };
}
