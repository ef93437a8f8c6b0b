/**
 * The update that nearly all updates are: one new message, by a client that is known, and nothing else. Recognised from its bytes (Yjs's update
 * format 1), it needs no document: not to be judged, not to be stamped, not to be passed on. Everything else, and everything that is odd about it,
 * is null here and goes the way of `authorize`.
 */
import * as decoding from 'lib0/decoding';
import * as v from 'valibot';
import { isMessageId, type MessageId } from '#shared/ids.ts';
import { Message } from '#shared/model/message.ts';
import { isPlainValue } from './plain-value.ts';

/** ContentAny (8), with the key it is under, and nothing before it there. */
const NEW_KEY_WITH_A_VALUE = 0x28;
const PARENT_IS_ROOT = 1;

export interface NewMessageUpdate {
  client: number;
  clock: number;
  id: MessageId;
  value: Message;
}

export function recogniseNewMessage(update: Uint8Array): NewMessageUpdate | null {
  // One client, one struct, no deletions: the cheapest looks first.
  if (update[0] !== 1 || update[1] !== 1 || update.at(-1) !== 0) return null;
  try {
    const decoder = decoding.createDecoder(update);
    decoder.pos = 2;
    const client = decoding.readVarUint(decoder);
    const clock = decoding.readVarUint(decoder);
    if (decoding.readUint8(decoder) !== NEW_KEY_WITH_A_VALUE) return null;
    if (decoding.readVarUint(decoder) !== PARENT_IS_ROOT || decoding.readVarString(decoder) !== 'messages') return null;
    const id = decoding.readVarString(decoder);
    if (decoding.readVarUint(decoder) !== 1) return null;
    const value: unknown = decoding.readAny(decoder);
    // What is left is the byte that was looked at above: no deletions, in as few bytes as there are.
    if (decoder.pos !== update.length - 1) return null;
    if (!isMessageId(id) || !isPlainValue(value)) return null;
    const message = v.safeParse(Message, value);
    // Only the relay says what is left of a call: the judge refuses it.
    return message.success && message.output.call === undefined ? { client, clock, id, value: message.output } : null;
  } catch {
    // Cut short: the judge says so.
    return null;
  }
}
