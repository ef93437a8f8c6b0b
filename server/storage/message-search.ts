/** Searching the table `messages`. A scan for now; the device's own index answers first, this is for what it does not have. */
import type { ConversationId, UserId } from '#shared/ids.ts';
import type { IndexedMessage } from './messages.ts';
import type { Sql } from './sql.ts';

/**
 * Newest first, among the conversations this person is in now. The text is folded as folded.ts does it: decomposed, without combining
 * marks, đ as d, in lower case. `needle` has been folded already.
 */
export function searchMessages(sql: Sql, person: UserId, needle: string, limit: number) {
  const pattern = `%${needle.replace(/[\\%_]/g, '\\$&')}%`;
  return sql<(IndexedMessage & { conversation: ConversationId })[]>`
    select x.conversation, x.seq, x.id, x.page, x.author, x.stamped_at as "stampedAt", x.value, x.deleted
    from members m join messages x on x.conversation = m.conversation
    where m.user_id = ${person} and m.left_at is null and x.seq > m.hidden_seq and not x.deleted
      and lower(translate(regexp_replace(normalize(x.value->>'text', NFD), ${'[\u0300-\u036f]'}, '', 'g'), 'đĐ', 'dd')) like ${pattern}
    order by x.stamped_at desc, x.seq desc
    limit ${limit}`;
}
