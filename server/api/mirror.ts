/**
 * Makes a conversation's tables and its root document say the same: devices read the members in the document, offline, and the list reads the title
 * in the table. Only what differs is written, so it may be repeated at any time. What a crash has cut off between the two sides is found in
 * `mirrors_due` and made up for.
 */
import type { ConversationId } from '#shared/ids.ts';
import { type Member, membersOf, metaOf, pagesOf } from '#shared/model/conversation.ts';
import type * as Y from 'yjs';
import { conversationById, setNamed } from '../storage/conversations.ts';
import { everybodyIn, type MemberRow } from '../storage/members.ts';
import { allDue, dueMark, mirrored } from '../storage/mirrors-due.ts';
import type { Sql } from '../storage/sql.ts';
import type { Living } from './living.ts';

type Mirror = Living['mirror'];

export async function mirrorConversation(sql: Sql, mirror: Mirror, id: ConversationId): Promise<void> {
  const mark = await dueMark(sql, id);
  const conversation = await conversationById(sql, id);
  if (conversation === null) return;
  const members = await everybodyIn(sql, id);
  const named = { title: '', topic: '', avatar: '' };
  await mirror(id, (root) => {
    const meta = metaOf(root);
    // The title is the document's own from here on: administrators change it there, and the table follows.
    if (!meta.has('kind') && conversation.title !== null) meta.set('title', conversation.title);
    setIfOther(meta, 'kind', conversation.kind);
    setIfOther(meta, 'createdBy', conversation.created_by);
    setIfOther(meta, 'createdAt', conversation.created_at);
    if (conversation.history !== 'all' || meta.has('history')) setIfOther(meta, 'history', conversation.history);
    const pages = pagesOf(root);
    if (!pages.has('current')) pages.set('current', 0);
    writeMembers(root, members);
    // A text in Postgres has no place for U+0000.
    named.title = String(meta.get('title') ?? '').replaceAll('\0', '');
    named.topic = String(meta.get('topic') ?? '').replaceAll('\0', '');
    named.avatar = String(meta.get('avatar') ?? '');
  });
  const { title, topic, avatar } = conversation;
  if (named.title !== (title ?? '') || named.topic !== topic || named.avatar !== (avatar ?? ''))
    await setNamed(sql, id, named);
  if (mark !== null) await mirrored(sql, id, mark);
}

/** Into the document alone: the mirroring that has to follow brings it into the table. */
export async function writeTitle(
  mirror: Mirror,
  id: ConversationId,
  fields: { title?: string; topic?: string; avatar?: string },
): Promise<void> {
  const write = (root: Y.Doc): void => {
    const meta = metaOf(root);
    if (fields.title !== undefined) setIfOther(meta, 'title', fields.title);
    if (fields.topic !== undefined) setIfOther(meta, 'topic', fields.topic);
    if (fields.avatar !== undefined) setIfOther(meta, 'avatar', fields.avatar);
  };
  await mirror(id, write, true);
}

/** Whatever is due. One after the other: there may be hundreds, and each needs its root in memory. One that fails stays due, and stops no other. */
export async function mirrorAllDue(sql: Sql, mirror: Mirror, done: (id: ConversationId) => void): Promise<void> {
  const failures: unknown[] = [];
  for (const id of await allDue(sql)) {
    await mirrorConversation(sql, mirror, id).then(
      () => done(id),
      (error: unknown) => failures.push(error),
    );
  }
  if (failures.length > 0) throw failures[0];
}

function writeMembers(root: Y.Doc, rows: MemberRow[]): void {
  const members = membersOf(root);
  for (const row of rows) {
    const member: Member = {
      role: row.role,
      name: row.name,
      ...(row.avatar === null ? {} : { avatar: row.avatar }),
      joinedAt: row.joined_at,
      ...(row.left_at === null ? {} : { leftAt: row.left_at }),
      ...(row.hidden_seq === 0 ? {} : { hiddenSeq: row.hidden_seq }),
    };
    const before = members.get(row.user_id);
    const same =
      before?.role === member.role &&
      before.name === member.name &&
      before.avatar === member.avatar &&
      before.joinedAt === member.joinedAt &&
      before.leftAt === member.leftAt &&
      before.hiddenSeq === member.hiddenSeq;
    if (!same) members.set(row.user_id, member);
  }
}

function setIfOther(map: Y.Map<unknown>, key: string, value: string | number): void {
  if (map.get(key) !== value) map.set(key, value);
}
