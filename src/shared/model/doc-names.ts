/** The names of the documents: `c:<conversation>`, `c:<conversation>:<page>`, `u:<user>`. */
import { type ConversationId, isConversationId, isUserId, type UserId } from '../ids.ts';

export type DocName =
  | { kind: 'conversation'; conversation: ConversationId }
  | { kind: 'page'; conversation: ConversationId; page: number }
  | { kind: 'personal'; user: UserId };

export const conversationDoc = (conversation: ConversationId): string => `c:${conversation}`;
export const pageDoc = (conversation: ConversationId, page: number): string => `c:${conversation}:${page}`;
export const personalDoc = (user: UserId): string => `u:${user}`;

/** Reads a name from outside; null for anything that is not exactly one of the three forms. */
export function parseDocName(name: string): DocName | null {
  const [kind, id, page, ...rest] = name.split(':');
  if (id === undefined || rest.length > 0) return null;
  if (kind === 'u' && page === undefined && isUserId(id)) return { kind: 'personal', user: id };
  if (kind !== 'c' || !isConversationId(id)) return null;
  if (page === undefined) return { kind: 'conversation', conversation: id };
  return /^(0|[1-9]\d{0,8})$/.test(page) ? { kind: 'page', conversation: id, page: Number(page) } : null;
}
