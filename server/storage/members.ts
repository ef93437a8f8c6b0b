/** The table `members`: who is in which conversation, as what, and up to where they have read. It decides; the documents mirror it. */
import type { ConversationKind, Role } from '#shared/access.ts';
import type { ConversationId, UserId } from '#shared/ids.ts';
import type { Sql, Transaction } from './sql.ts';

export interface Membership {
  role: Role;
  kind: ConversationKind;
}

export interface MemberRow {
  user_id: UserId;
  role: Role;
  name: string;
  joined_at: number;
  left_at: number | null;
}

/** Null for somebody who is not, or no longer, in it; and for a conversation that does not exist. */
export async function membershipOf(sql: Sql, person: UserId, conversation: ConversationId): Promise<Membership | null> {
  const [row] = await sql<Membership[]>`
    select m.role, c.kind from members m join conversations c on c.id = m.conversation
    where m.conversation = ${conversation} and m.user_id = ${person} and m.left_at is null`;
  return row ?? null;
}

/** All who ever were in it, with when they left. */
export function everybodyIn(sql: Sql, conversation: ConversationId): Promise<MemberRow[]> {
  return sql<MemberRow[]>`
    select m.user_id, m.role, u.name, m.joined_at, m.left_at
    from members m join users u on u.id = m.user_id
    where m.conversation = ${conversation}
    order by m.joined_at, m.user_id`;
}

/** Those in it now, held until the transaction ends, so that two changes of roles come one after the other. */
export async function lockMembers(sql: Transaction, conversation: ConversationId): Promise<Map<UserId, Role>> {
  const rows = await sql<{ user_id: UserId; role: Role }[]>`
    select user_id, role from members where conversation = ${conversation} and left_at is null order by user_id for update`;
  return new Map(rows.map((row) => [row.user_id, row.role]));
}

export async function memberIds(sql: Sql, conversation: ConversationId): Promise<UserId[]> {
  const rows = await sql<
    { user_id: UserId }[]
  >`select user_id from members where conversation = ${conversation} and left_at is null`;
  return rows.map((row) => row.user_id);
}

export async function conversationsOf(sql: Sql, person: UserId): Promise<ConversationId[]> {
  const rows = await sql<{ conversation: ConversationId }[]>`
    select conversation from members where user_id = ${person} and left_at is null`;
  return rows.map((row) => row.conversation);
}

/** Somebody who joins, or comes back, starts with everything before as read: it is history to them, not news. */
export async function addMember(
  sql: Transaction,
  conversation: ConversationId,
  person: UserId,
  role: Role,
  now: number,
): Promise<void> {
  await sql`
    insert into members (conversation, user_id, role, joined_at, joined_seq, read_seq, delivered_seq)
    select id, ${person}, ${role}, ${now}, last_seq, last_seq, last_seq from conversations where id = ${conversation}
    on conflict (conversation, user_id) do update set
      role = excluded.role, joined_at = excluded.joined_at, joined_seq = excluded.joined_seq, left_at = null,
      read_seq = greatest(members.read_seq, excluded.read_seq),
      delivered_seq = greatest(members.delivered_seq, excluded.delivered_seq)`;
}

export async function setRole(
  sql: Transaction,
  conversation: ConversationId,
  person: UserId,
  role: Role,
): Promise<void> {
  await sql`update members set role = ${role} where conversation = ${conversation} and user_id = ${person}`;
}

export async function markLeft(
  sql: Transaction,
  conversation: ConversationId,
  person: UserId,
  now: number,
): Promise<void> {
  await sql`
    update members set left_at = ${now}
    where conversation = ${conversation} and user_id = ${person} and left_at is null`;
}

/** A read mark never moves back (U3), and never beyond the last message. True when it moved. */
export async function advanceRead(
  sql: Sql,
  conversation: ConversationId,
  person: UserId,
  seq: number,
): Promise<boolean> {
  const rows = await sql`
    update members m set read_seq = least(${seq}::bigint, c.last_seq)
    from conversations c
    where c.id = ${conversation} and m.conversation = c.id and m.user_id = ${person} and m.left_at is null
      and m.read_seq < least(${seq}::bigint, c.last_seq)
    returning 1`;
  return rows.length > 0;
}
