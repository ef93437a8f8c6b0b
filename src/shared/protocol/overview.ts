/** What the relay computes of a conversation for one person: a row in their list. The same over HTTP and on the control channel. */
import * as v from 'valibot';
import { ConversationKind, Role } from '../access.ts';
import { ConversationId, MessageId, Sha256, UserId } from '../ids.ts';
import { Attached } from '../model/media-types.ts';
import { CallTrace } from '../model/call-trace.ts';
import { Millis } from '../model/millis.ts';

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const Person = v.object({
  id: UserId,
  name: v.string(),
  avatar: v.nullable(Sha256),
});
export type Person = v.InferOutput<typeof Person>;

/** Up to which seq somebody has it on a device, and up to which they have read it. What is read is delivered. */
export const Reach = v.object({ delivered: Count, read: Count });
export type Reach = v.InferOutput<typeof Reach>;

/** `reach` and `avatar` are left out of what versions of the app kept that did not know them. */
export const OverviewMember = v.object({
  id: UserId,
  name: v.string(),
  role: Role,
  avatar: v.optional(v.nullable(Sha256)),
  reach: v.optional(Reach),
});
export type OverviewMember = v.InferOutput<typeof OverviewMember>;

export const MemberReach = v.object({ user: UserId, ...Reach.entries });
export type MemberReach = v.InferOutput<typeof MemberReach>;

/** The newest message that is not deleted, shortened for a line in the list. */
export const LastMessage = v.object({
  id: MessageId,
  seq: Count,
  by: UserId,
  byName: v.string(),
  at: Millis,
  text: v.string(),
  attachments: Count,
  /** Left out without attachments. */
  attached: v.optional(Attached),
  /** Left out of all that are not what is left of a call. */
  call: v.optional(CallTrace),
});
export type LastMessage = v.InferOutput<typeof LastMessage>;

export const OverviewRow = v.object({
  id: ConversationId,
  kind: ConversationKind,
  title: v.nullable(v.string()),
  /** The group's picture: a blob. Left out of what versions of the app kept that did not know it. */
  avatar: v.optional(v.nullable(Sha256)),
  createdAt: Millis,
  /**
   * Everybody, with how far they are. On the control channel a group of more than SMALL_GROUP_MAX_MEMBERS names only the person themself: all of
   * them, told to each of them, would be the square of their number. The conversation's own document has the rest.
   */
  members: v.array(OverviewMember),
  memberCount: Count,
  /** How far everybody else is, where `members` does not say it of each. */
  others: v.optional(Reach),
  lastSeq: Count,
  readSeq: Count,
  unread: Count,
  mentions: Count,
  last: v.nullable(LastMessage),
});
export type OverviewRow = v.InferOutput<typeof OverviewRow>;

/** A row that changed. Who is in it, and how far they are, is told when somebody came, went or was renamed; otherwise it is as before. */
export const RowChange = v.object({
  ...OverviewRow.entries,
  members: v.optional(v.array(OverviewMember)),
  memberCount: v.optional(Count),
});
export type RowChange = v.InferOutput<typeof RowChange>;

/** Whether a person is here; if not, when they last were, as far as it is known. */
export const PersonPresence = v.object({ id: UserId, online: v.boolean(), lastSeen: v.nullable(Millis) });
export type PersonPresence = v.InferOutput<typeof PersonPresence>;
