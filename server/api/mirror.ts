/**
 * Copies what the tables say into the conversation's root document, where devices read it offline. Only what differs is written, so it may
 * be repeated at any time; a copy that was missed (a crash between the table's commit and this) is made up for by the next one.
 */
import type { ConversationId } from '#shared/ids.ts';
import { type Member, membersOf, metaOf, pagesOf } from '#shared/model/conversation.ts';
import type * as Y from 'yjs';
import { conversationById } from '../storage/conversations.ts';
import { everybodyIn, type MemberRow } from '../storage/members.ts';
import type { Sql } from '../storage/sql.ts';
import type { Living } from './living.ts';

type Mirror = Living['mirror'];

/** All of it: a conversation that was just made, or is asked for again. */
export async function mirrorConversation(sql: Sql, mirror: Mirror, id: ConversationId): Promise<void> {
  const conversation = await conversationById(sql, id);
  if (conversation === null) return;
  const members = await everybodyIn(sql, id);
  await mirror(id, (root) => {
    const meta = metaOf(root);
    // The title is the document's own from here on: administrators change it there, and the table follows.
    if (!meta.has('kind') && conversation.title !== null) meta.set('title', conversation.title);
    setIfOther(meta, 'kind', conversation.kind);
    setIfOther(meta, 'createdBy', conversation.created_by);
    setIfOther(meta, 'createdAt', conversation.created_at);
    const pages = pagesOf(root);
    if (!pages.has('current')) pages.set('current', 0);
    writeMembers(root, members);
  });
}

export async function mirrorMembers(sql: Sql, mirror: Mirror, id: ConversationId): Promise<void> {
  const members = await everybodyIn(sql, id);
  await mirror(id, (root) => writeMembers(root, members));
}

export async function mirrorTitle(
  mirror: Mirror,
  id: ConversationId,
  fields: { title?: string; topic?: string },
): Promise<void> {
  await mirror(id, (root) => {
    const meta = metaOf(root);
    if (fields.title !== undefined) setIfOther(meta, 'title', fields.title);
    if (fields.topic !== undefined) setIfOther(meta, 'topic', fields.topic);
  });
}

function writeMembers(root: Y.Doc, rows: MemberRow[]): void {
  const members = membersOf(root);
  for (const row of rows) {
    const member: Member = {
      role: row.role,
      name: row.name,
      joinedAt: row.joined_at,
      ...(row.left_at === null ? {} : { leftAt: row.left_at }),
    };
    const before = members.get(row.user_id);
    const same =
      before?.role === member.role &&
      before.name === member.name &&
      before.joinedAt === member.joinedAt &&
      before.leftAt === member.leftAt;
    if (!same) members.set(row.user_id, member);
  }
}

function setIfOther(map: Y.Map<unknown>, key: string, value: string | number): void {
  if (map.get(key) !== value) map.set(key, value);
}
