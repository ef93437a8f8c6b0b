/** A message, as it lies in a page's `messages` map: a plain JSON value under the message's id. */
import * as v from 'valibot';
import { MessageId, UserId } from '../ids.ts';
import { ATTACHMENTS_MAX_COUNT, MENTIONS_MAX_COUNT, MESSAGE_MAX_CHARS } from '../limits.ts';

/** Milliseconds since 1970, by some clock. */
export const Millis = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8_640_000_000_000_000));

export const Mentions = v.union([v.literal('all'), v.pipe(v.array(UserId), v.maxLength(MENTIONS_MAX_COUNT))]);
export type Mentions = v.InferOutput<typeof Mentions>;

export const Attachment = v.looseObject({
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  type: v.pipe(v.string(), v.maxLength(127)),
  size: v.pipe(v.number(), v.integer(), v.minValue(0)),
});

/** Text is what the author typed; an empty text is allowed only beside attachments. */
export const Message = v.pipe(
  v.strictObject({
    by: UserId,
    /** By the author's clock; the relay's own time is in the stamp. */
    at: Millis,
    text: v.pipe(v.string(), v.maxLength(MESSAGE_MAX_CHARS)),
    mentions: v.optional(Mentions),
    replyTo: v.optional(MessageId),
    /** Set when the text was forwarded: who wrote it first. */
    forwardedFrom: v.optional(UserId),
    editedAt: v.optional(Millis),
    attachments: v.optional(v.pipe(v.array(Attachment), v.maxLength(ATTACHMENTS_MAX_COUNT))),
  }),
  v.check((m) => m.text.trim() !== '' || (m.attachments?.length ?? 0) > 0, 'a message has a text or an attachment'),
);
export type Message = v.InferOutput<typeof Message>;

export const mentionsPerson = (message: Message, person: UserId): boolean =>
  message.mentions === 'all' || (message.mentions?.includes(person) ?? false);
