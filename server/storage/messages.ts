/**
 * The index of stamped messages: what unread, the history route and search read. The journal writes it, in the same commit as the
 * documents; here it is read. `page` is the page that holds the body.
 */
import type { ConversationId, MessageId, UserId } from '#shared/ids.ts';
import type { Message } from '#shared/model/message.ts';
import type { Sql } from './sql.ts';

export interface IndexedMessage {
  seq: number;
  id: MessageId;
  page: number;
  author: UserId;
  stampedAt: number;
  /** As it is now; null once deleted. */
  value: Message | null;
  deleted: boolean;
}

/** What authorization needs to know of a message that lies on a page that is not in memory. */
export interface MessageOwner {
  seq: number;
  author: UserId;
  page: number;
  deleted: boolean;
  /** What is left of a call: the relay wrote it, in the author's name. */
  isTrace: boolean;
}

/** Newest first; those before `before` when given, and those after `after`. */
export async function historyPage(
  sql: Sql,
  conversation: ConversationId,
  { before, after = 0, limit }: { before?: number; after?: number; limit: number },
): Promise<IndexedMessage[]> {
  return sql<IndexedMessage[]>`
    select seq, id, page, author, stamped_at as "stampedAt", value, deleted
    from messages
    where conversation = ${conversation} and seq > ${after} and seq < ${before ?? Number.MAX_SAFE_INTEGER}
    order by seq desc limit ${limit}`;
}

/** Whether a page holds the body of a message beyond this number: one that was written into it late. */
export async function holdsBodyAfter(sql: Sql, conversation: ConversationId, page: number, seq: number) {
  const rows = await sql`
    select 1 from messages where conversation = ${conversation} and page = ${page} and seq > ${seq} limit 1`;
  return rows.length > 0;
}

export async function messageOwners(
  sql: Sql,
  conversation: ConversationId,
  ids: MessageId[],
): Promise<Map<MessageId, MessageOwner>> {
  const rows = await sql<(MessageOwner & { id: MessageId })[]>`
    select id, seq, author, page, deleted, coalesce(value ? 'call', false) as "isTrace" from messages where conversation = ${conversation} and id = any(${ids})`;
  return new Map(rows.map(({ id, ...owner }) => [id, owner]));
}

export interface Numbering {
  lastSeq: number;
  /** The largest id, '' without messages. */
  lastId: string;
}

/** Where the numbering of conversations stands, in their order; null where there is no such conversation. */
export async function numberings(sql: Sql, conversations: readonly ConversationId[]): Promise<(Numbering | null)[]> {
  const rows = await sql<{ lastSeq: number | null; lastId: string | null }[]>`
    select c.last_seq as "lastSeq", (select max(id) from messages where conversation = asked.id) as "lastId"
    from unnest(${[...conversations]}::text[]) with ordinality as asked (id, n) left join conversations c on c.id = asked.id
    order by asked.n`;
  return rows.map(({ lastSeq, lastId }) => (lastSeq === null ? null : { lastSeq, lastId: lastId ?? '' }));
}
