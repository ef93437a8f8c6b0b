/** A message, as it lies in a page's `messages` map: a plain JSON value under the message's id. */
import * as v from 'valibot';
import { MessageId, Sha256, UserId } from '../ids.ts';
import { ATTACHMENTS_MAX_COUNT, MENTIONS_MAX_COUNT, MESSAGE_MAX_CHARS } from '../limits.ts';
import { CallTrace } from './call-trace.ts';
import { Millis } from './millis.ts';

export const Mentions = v.union([v.literal('all'), v.pipe(v.array(UserId), v.maxLength(MENTIONS_MAX_COUNT))]);
export type Mentions = v.InferOutput<typeof Mentions>;

const Pixels = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000));

/**
 * Something sent with a message. Its bytes are a blob, brought to the conversation before the message is; everything here is what the sender says
 * of it, so that it can be shown at once and without its bytes, and none of it is to be trusted: what a blob is the relay decides from its bytes.
 */
export const Attachment = v.looseObject({
  sha256: Sha256,
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  type: v.pipe(v.string(), v.maxLength(127)),
  /** Bytes. */
  size: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Of a picture or a film, as it is shown. */
  width: v.optional(Pixels),
  height: v.optional(Pixels),
  /** A ThumbHash (evanw.github.io/thumbhash) in base64, at most 25 bytes: what shows before the picture is here. */
  thumb: v.optional(v.pipe(v.string(), v.maxLength(36), v.base64())),
  /** A smaller still of a film, or of a picture sent as it was: a blob like the other. */
  poster: v.optional(Sha256),
  /** How long a film or a recording is. */
  seconds: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1_000_000))),
  /** Of a voice note, and nothing else has it: how loud it is from beginning to end, a byte each, in base64. */
  waveform: v.optional(v.pipe(v.string(), v.maxLength(172), v.base64())),
});
export type Attachment = v.InferOutput<typeof Attachment>;

/** Text is what the author typed; an empty text is allowed only beside attachments, and in what is left of a call. */
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
    /** Written by the relay alone (C9). */
    call: v.optional(CallTrace),
  }),
  v.check(
    (m) => m.text.trim() !== '' || (m.attachments?.length ?? 0) > 0 || m.call !== undefined,
    'a message has a text or an attachment',
  ),
);
export type Message = v.InferOutput<typeof Message>;

export const mentionsPerson = (message: Message, person: UserId): boolean =>
  message.mentions === 'all' || (message.mentions?.includes(person) ?? false);
