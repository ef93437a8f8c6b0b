/**
 * A page: up to 1,000 stamps of a conversation and the messages written meanwhile, as a Yjs document of flat maps.
 *
 *   messages   messageId → Message                     its author
 *   deleted    messageId → {by, at}                    its author, or an admin
 *   reactions  `<messageId>:<userId>:<emoji>` → at     the person in the key
 *   votes      likewise
 *   order      [seq, messageId, relayTime, page?]      the relay alone
 */
import * as v from 'valibot';
import type * as Y from 'yjs';
import { isMessageId, isUserId, MessageId, UserId } from '../ids.ts';
import { EMOJI_MAX_CHARS, PAGE_STAMPS } from '../limits.ts';
import type { Message } from './message.ts';
import { Millis } from './millis.ts';

/** The relay's word that a message has its place and is on disk. `page` names the page that holds the body when it is another one. */
export const Stamp = v.union([
  v.tuple([v.pipe(v.number(), v.integer(), v.minValue(1)), MessageId, Millis]),
  v.tuple([
    v.pipe(v.number(), v.integer(), v.minValue(1)),
    MessageId,
    Millis,
    v.pipe(v.number(), v.integer(), v.minValue(0)),
  ]),
]);
export type Stamp = v.InferOutput<typeof Stamp>;

export const Deletion = v.strictObject({ by: UserId, at: Millis });
export type Deletion = v.InferOutput<typeof Deletion>;

export const PAGE_ROOTS = ['messages', 'deleted', 'reactions', 'votes', 'order'] as const;

export const messagesOf = (doc: Y.Doc): Y.Map<Message> => doc.getMap('messages');
export const deletedOf = (doc: Y.Doc): Y.Map<Deletion> => doc.getMap('deleted');
export const reactionsOf = (doc: Y.Doc): Y.Map<number> => doc.getMap('reactions');
export const votesOf = (doc: Y.Doc): Y.Map<number> => doc.getMap('votes');
export const orderOf = (doc: Y.Doc): Y.Array<Stamp> => doc.getArray('order');

/** Which page holds the stamp with this number: 1…1000 are on page 0. */
export const pageOfSeq = (seq: number): number => Math.floor((seq - 1) / PAGE_STAMPS);

export interface ReactionKey {
  message: MessageId;
  user: UserId;
  emoji: string;
}

export const reactionKey = ({ message, user, emoji }: ReactionKey): string => `${message}:${user}:${emoji}`;

export function parseReactionKey(key: string): ReactionKey | null {
  const first = key.indexOf(':');
  const second = key.indexOf(':', first + 1);
  if (first < 0 || second < 0) return null;
  const message = key.slice(0, first);
  const user = key.slice(first + 1, second);
  const emoji = key.slice(second + 1);
  if (!isMessageId(message) || !isUserId(user) || emoji === '' || emoji.length > EMOJI_MAX_CHARS) return null;
  return { message, user, emoji };
}
