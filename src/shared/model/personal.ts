/**
 * What belongs to one person on all of their devices.
 *
 *   drafts  conversation → {text, replyTo?, at}
 *   read    conversation → seq up to which this person has read, for programs that speak only Yjs; the relay keeps the largest. The app tells it otherwise
 *           (decision 14)
 *   prefs   conversation → {muted?, pinned?, archived?, unread?}
 */
import * as v from 'valibot';
import type * as Y from 'yjs';
import { MessageId } from '../ids.ts';
import { MESSAGE_MAX_CHARS } from '../limits.ts';
import { Millis } from './millis.ts';

export const Draft = v.strictObject({
  text: v.pipe(v.string(), v.maxLength(MESSAGE_MAX_CHARS)),
  replyTo: v.optional(MessageId),
  at: Millis,
});
export type Draft = v.InferOutput<typeof Draft>;

export const ReadSeq = v.pipe(v.number(), v.integer(), v.minValue(0));

export const Preference = v.strictObject({
  /** Until when, in milliseconds since 1970; a number beyond any clock means for good. */
  muted: v.optional(Millis),
  pinned: v.optional(v.boolean()),
  archived: v.optional(v.boolean()),
  unread: v.optional(v.boolean()),
});
export type Preference = v.InferOutput<typeof Preference>;

export const PERSONAL_ROOTS = ['drafts', 'read', 'prefs'] as const;

export const draftsOf = (doc: Y.Doc): Y.Map<Draft> => doc.getMap('drafts');
export const readOf = (doc: Y.Doc): Y.Map<number> => doc.getMap('read');
export const prefsOf = (doc: Y.Doc): Y.Map<Preference> => doc.getMap('prefs');
