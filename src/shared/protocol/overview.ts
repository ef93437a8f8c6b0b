/** What the relay computes of a conversation for one person: a row in their list. The same over HTTP and on the control channel. */
import * as v from 'valibot';
import { ConversationKind, Role } from '../access.ts';
import { ConversationId, MessageId, UserId } from '../ids.ts';
import { Millis } from '../model/message.ts';

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const Person = v.object({
  id: UserId,
  name: v.string(),
  avatar: v.nullable(v.string()),
});
export type Person = v.InferOutput<typeof Person>;

export const OverviewMember = v.object({ id: UserId, name: v.string(), role: Role });
export type OverviewMember = v.InferOutput<typeof OverviewMember>;

/** The newest message that is not deleted, shortened for a line in the list. */
export const LastMessage = v.object({
  id: MessageId,
  seq: Count,
  by: UserId,
  at: Millis,
  text: v.string(),
  attachments: Count,
});
export type LastMessage = v.InferOutput<typeof LastMessage>;

export const OverviewRow = v.object({
  id: ConversationId,
  kind: ConversationKind,
  title: v.nullable(v.string()),
  createdAt: Millis,
  members: v.array(OverviewMember),
  lastSeq: Count,
  readSeq: Count,
  unread: Count,
  mentions: Count,
  last: v.nullable(LastMessage),
});
export type OverviewRow = v.InferOutput<typeof OverviewRow>;
