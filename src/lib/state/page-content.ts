/** A page as the timeline reads it: plain maps, made once per change of the document. */
import type * as Y from 'yjs';
import type { UserId } from '#shared/ids.ts';
import type { Message } from '#shared/model/message.ts';
import {
  type Deletion,
  deletedOf,
  messagesOf,
  orderOf,
  parseReactionKey,
  reactionsOf,
  type Stamp,
} from '#shared/model/page.ts';

export interface PageContent {
  page: number;
  order: readonly Stamp[];
  messages: ReadonlyMap<string, Message>;
  deleted: ReadonlyMap<string, Deletion>;
  /** message → its reactions, the earliest first. */
  reactions: ReadonlyMap<string, readonly Reaction[]>;
}

export interface Reaction {
  user: UserId;
  emoji: string;
  at: number;
}

export function readPage(page: number, doc: Y.Doc): PageContent {
  const reactions = new Map<string, Reaction[]>();
  reactionsOf(doc).forEach((at, key) => {
    const reaction = parseReactionKey(key);
    if (reaction === null) return;
    const list = reactions.get(reaction.message);
    const one = { user: reaction.user, emoji: reaction.emoji, at };
    if (list === undefined) reactions.set(reaction.message, [one]);
    else list.push(one);
  });
  for (const list of reactions.values()) list.sort((a, b) => a.at - b.at || (a.user < b.user ? -1 : 1));
  return {
    page,
    order: orderOf(doc).toArray(),
    messages: plain(messagesOf(doc)),
    deleted: plain(deletedOf(doc)),
    reactions,
  };
}

/** `forEach` is several times faster than Yjs's iterators. */
function plain<V>(map: Y.Map<V>): Map<string, V> {
  const values = new Map<string, V>();
  map.forEach((value, key) => values.set(key, value));
  return values;
}
