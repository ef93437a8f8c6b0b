/**
 * The names of things. An id is minted wherever the thing is made, often on a device without a network, so it must be unguessable and
 * unique without asking anyone. A branded type comes only out of its schema, so that swapped arguments do not compile.
 */
import * as v from 'valibot';

export const UserId = v.pipe(v.string(), v.regex(/^u[0-9a-z]{20,40}$/), v.brand('UserId'));
export type UserId = v.InferOutput<typeof UserId>;

export const ConversationId = v.pipe(v.string(), v.regex(/^c[0-9a-z]{20,40}$/), v.brand('ConversationId'));
export type ConversationId = v.InferOutput<typeof ConversationId>;

export const MessageId = v.pipe(v.string(), v.regex(/^m[0-9a-z]{20,40}$/), v.brand('MessageId'));
export type MessageId = v.InferOutput<typeof MessageId>;

export const CallId = v.pipe(v.string(), v.regex(/^k[0-9a-z]{20,40}$/), v.brand('CallId'));
export type CallId = v.InferOutput<typeof CallId>;

/** A page of the app in a browser, the same when it is loaded anew. */
export const DeviceId = v.pipe(v.string(), v.regex(/^d[0-9a-z]{20,40}$/), v.brand('DeviceId'));
export type DeviceId = v.InferOutput<typeof DeviceId>;

/** Somebody's name at the call broker, for one call; minted by the relay. */
export const PeerId = v.pipe(v.string(), v.regex(/^p[0-9a-z]{20,40}$/), v.brand('PeerId'));
export type PeerId = v.InferOutput<typeof PeerId>;

/** The name of a blob: the SHA-256 of its bytes, in hexadecimal. */
export const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/), v.brand('Sha256'));
export type Sha256 = v.InferOutput<typeof Sha256>;

export const isUserId = (id: unknown): id is UserId => v.is(UserId, id);
export const isConversationId = (id: unknown): id is ConversationId => v.is(ConversationId, id);
export const isSha256 = (name: unknown): name is Sha256 => v.is(Sha256, name);
export const isMessageId = (id: unknown): id is MessageId => v.is(MessageId, id);
export const isDeviceId = (id: unknown): id is DeviceId => v.is(DeviceId, id);

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
/** 24 characters of base 36 are 124 bits: nobody guesses one, and no two devices mint the same. */
const RANDOM_LENGTH = 24;

function randomText(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      // 252 is the largest multiple of 36 in a byte; the rest would favour the first letters.
      if (byte < 252 && text.length < length) text += ALPHABET[byte % 36];
    }
  }
  return text;
}

export const newUserId = (): UserId => v.parse(UserId, `u${randomText(RANDOM_LENGTH)}`);
export const newConversationId = (): ConversationId => v.parse(ConversationId, `c${randomText(RANDOM_LENGTH)}`);

export const newDeviceId = (): DeviceId => v.parse(DeviceId, `d${randomText(RANDOM_LENGTH)}`);
export const newPeerId = (): PeerId => v.parse(PeerId, `p${randomText(RANDOM_LENGTH)}`);

/** Sortable by the device's clock: nine base-36 digits of milliseconds (good until the year 5188), then sixteen random ones. */
export function newMessageId(now: number = Date.now()): MessageId {
  return v.parse(MessageId, `m${sortable(now)}`);
}

const sortable = (now: number): string => `${now.toString(36).padStart(9, '0')}${randomText(16)}`;

export const newCallId = (now: number = Date.now()): CallId => v.parse(CallId, `k${sortable(now)}`);

/** When a message was minted, by its device's clock; anything for an id that some other program made up. */
export const timeOfMessageId = (id: MessageId): number => Number.parseInt(id.slice(1, 10), 36);
