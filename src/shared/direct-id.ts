import { digest } from 'lib0/hash/sha256';
import * as v from 'valibot';
import { ConversationId, type UserId } from './ids.ts';

/**
 * The one conversation between two people (or of a person with themself) has an id that follows from the pair, so that both sides can
 * start it without a network and still mean the same documents.
 */
export function directConversationId(a: UserId, b: UserId): ConversationId {
  const pair = a < b ? `${a}:${b}` : `${b}:${a}`;
  const bytes = digest(new TextEncoder().encode(`ting-ting direct ${pair}`));
  let number = 0n;
  for (const byte of bytes.subarray(0, 16)) number = (number << 8n) | BigInt(byte);
  return v.parse(ConversationId, `c${number.toString(36).padStart(25, '0')}`);
}
