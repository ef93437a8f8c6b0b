/** Searching what this person may read, without caring for case or diacritics. */
import { folded } from '#shared/folded.ts';
import { searchMessages } from '../storage/message-search.ts';
import type { Sql } from '../storage/sql.ts';
import { type Handlers, ok } from './handler.ts';
import { historyMessage } from './messages.ts';

const FOUND_MAX_COUNT = 50;

export function searchHandlers(sql: Sql): Pick<Handlers, 'search'> {
  return {
    async search({ who, query }) {
      const needle = folded(query.q).trim();
      if (needle === '') return ok({ messages: [] });
      const found = await searchMessages(sql, who.person, needle, FOUND_MAX_COUNT);
      return ok({
        messages: found.map((message) => ({ conversation: message.conversation, ...historyMessage(message) })),
      });
    },
  };
}
