/**
 * A conversation's root document: what it is called, who is in it, what is pinned, which page is current. Small, whatever its history.
 *
 *   meta     kind, createdBy, createdAt, history? (the relay alone) · title, topic, avatar (by role)
 *   pins     messageId → {by, at}                                     by role
 *   members  userId → {role, name, avatar?, joinedAt, leftAt?, hiddenSeq?}     the relay alone: a mirror of its tables, to be read offline
 *   pages    {"current": n}                                           the relay alone
 */
import * as v from 'valibot';
import type * as Y from 'yjs';
import { ConversationKind, History, Role } from '../access.ts';
import { Sha256, UserId } from '../ids.ts';
import { NAME_MAX_CHARS, TITLE_MAX_CHARS, TOPIC_MAX_CHARS } from '../limits.ts';
import { Millis } from './millis.ts';

export const Title = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(TITLE_MAX_CHARS));

/** The fields of `meta`, each judged by itself, since each is a key of its own. */
export const META_FIELDS = {
  kind: ConversationKind,
  createdBy: UserId,
  createdAt: Millis,
  /** What members who are added see; left out it is everything. */
  history: History,
  title: v.pipe(v.string(), v.minLength(1), v.maxLength(TITLE_MAX_CHARS)),
  topic: v.pipe(v.string(), v.maxLength(TOPIC_MAX_CHARS)),
  avatar: v.pipe(v.string(), v.regex(/^([0-9a-f]{64})?$/)),
} as const;
export type MetaField = keyof typeof META_FIELDS;
/** Those that people may set, when their role lets them. */
export const EDITABLE_META: readonly MetaField[] = ['title', 'topic', 'avatar'];

export const Member = v.strictObject({
  role: Role,
  name: v.pipe(v.string(), v.maxLength(NAME_MAX_CHARS)),
  /** Their picture; left out by who has none. */
  avatar: v.optional(Sha256),
  joinedAt: Millis,
  leftAt: v.optional(Millis),
  /** Messages up to this seq were written before they joined, and are hidden from them. */
  hiddenSeq: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
});
export type Member = v.InferOutput<typeof Member>;

export const Pin = v.strictObject({ by: UserId, at: Millis });
export type Pin = v.InferOutput<typeof Pin>;

export const CONVERSATION_ROOTS = ['meta', 'pins', 'members', 'pages'] as const;

export const metaOf = (doc: Y.Doc): Y.Map<unknown> => doc.getMap('meta');
export const membersOf = (doc: Y.Doc): Y.Map<Member> => doc.getMap('members');
export const pagesOf = (doc: Y.Doc): Y.Map<number> => doc.getMap('pages');

/** The page new messages are written into. A conversation made offline has no `pages` yet: it starts with page 0. */
export const currentPage = (doc: Y.Doc): number => pagesOf(doc).get('current') ?? 0;
