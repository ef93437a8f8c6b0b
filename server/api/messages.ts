/**
 * Messages for programs that do not speak Yjs: history from the index; writing goes through the rooms, as if this person had typed it on a
 * device, so every rule is judged in one place.
 */
import type { Fault } from '#shared/faults.ts';
import {
  isConversationId,
  isMessageId,
  type ConversationId,
  type MessageId,
  type Sha256,
  type UserId,
} from '#shared/ids.ts';
import type { Mentions, Message } from '#shared/model/message.ts';
import type { HistoryMessage } from '#shared/protocol/api.ts';
import { broughtTo } from '../storage/blobs.ts';
import { lastSeqOf } from '../storage/conversations.ts';
import { membershipOf } from '../storage/members.ts';
import { historyPage, type IndexedMessage } from '../storage/messages.ts';
import type { Sql } from '../storage/sql.ts';
import { created, done, type Handlers, ok, refuse, type Refused } from './handler.ts';

export interface Draft {
  id?: MessageId;
  text: string;
  mentions?: Mentions;
  replyTo?: MessageId;
  attachments?: NonNullable<Message['attachments']>;
}

/** The rooms, as far as a program may write into them. Posting, editing and removing judge membership and rights themselves; null is done. */
export interface Writing {
  post(
    person: UserId,
    conversation: ConversationId,
    draft: Draft,
  ): Promise<{ ok: true; id: MessageId; seq: number } | { ok: false; fault: Fault }>;
  edit(
    person: UserId,
    conversation: ConversationId,
    message: MessageId,
    to: { text: string; mentions?: Mentions },
  ): Promise<Fault | null>;
  remove(person: UserId, conversation: ConversationId, message: MessageId): Promise<Fault | null>;
  setRead(person: UserId, conversation: ConversationId, seq: number): Promise<void>;
}

type MessageRoutes = 'history' | 'postMessage' | 'editMessage' | 'deleteMessage' | 'setRead';

export function messageHandlers(sql: Sql, writing: Writing): Pick<Handlers, MessageRoutes> {
  return {
    async history({ who, params: { id }, query: { before, limit } }) {
      if (!isConversationId(id)) return refuse('not-found');
      const membership = await membershipOf(sql, who.person, id);
      if (membership === null) return refuse('not-a-member');
      const after = membership.hiddenSeq;
      const found = await historyPage(sql, id, { limit, after, ...(before === undefined ? {} : { before }) });
      const oldest = found.at(-1);
      const more = found.length === limit && oldest !== undefined && oldest.seq > after + 1;
      return ok({ messages: found.map(historyMessage), before: more ? oldest.seq : null });
    },

    async postMessage({ who, params: { id }, body }) {
      if (!isConversationId(id)) return refuse('not-found');
      if (body.text.trim() === '' && (body.attachments?.length ?? 0) === 0) {
        return refuse('invalid-input', { fields: { text: 'A message has a text or an attachment.' } });
      }
      const missing = await notBrought(sql, id, body.attachments ?? []);
      if (missing !== undefined)
        return refuse('invalid-input', { fields: { attachments: `Bring ${missing} to this conversation first.` } });
      const posted = await writing.post(who.person, id, present(body));
      return posted.ok ? created({ id: posted.id, seq: posted.seq }) : refuse(posted.fault);
    },

    async editMessage({ who, params: { id, message }, body }) {
      if (!isConversationId(id) || !isMessageId(message)) return refuse('not-found');
      return outcome(await writing.edit(who.person, id, message, present(body)));
    },

    async deleteMessage({ who, params: { id, message } }) {
      if (!isConversationId(id) || !isMessageId(message)) return refuse('not-found');
      return outcome(await writing.remove(who.person, id, message));
    },

    async setRead({ who, params: { id }, body: { seq } }) {
      if (!isConversationId(id)) return refuse('not-found');
      if ((await membershipOf(sql, who.person, id)) === null) return refuse('not-a-member');
      await writing.setRead(who.person, id, Math.min(seq, await lastSeqOf(sql, id)));
      return done();
    },
  };
}

/** The first of these that nobody has brought here. */
async function notBrought(
  sql: Sql,
  conversation: ConversationId,
  attachments: NonNullable<Message['attachments']>,
): Promise<Sha256 | undefined> {
  const named = attachments.flatMap(({ sha256, poster }) => (poster === undefined ? [sha256] : [sha256, poster]));
  if (named.length === 0) return undefined;
  const brought = await broughtTo(sql, conversation, named);
  return named.find((sha256) => !brought.has(sha256));
}

export function historyMessage({ id, seq, author, stampedAt, value }: IndexedMessage): HistoryMessage {
  if (value === null) return { id, seq, by: author, at: stampedAt, stampedAt, text: '', deleted: true };
  const { at, text, mentions, replyTo, editedAt, attachments, call } = value;
  return { id, seq, by: author, at, stampedAt, text, ...present({ mentions, replyTo, editedAt, attachments, call }) };
}

const outcome = (fault: Fault | null): ReturnType<typeof done> | Refused => (fault === null ? done() : refuse(fault));

/** Without the fields that are undefined: in a document `undefined` would be a value. */
type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };
const present = <T extends object>(fields: T): Present<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
