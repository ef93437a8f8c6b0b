/** The table `conversations`: that they exist, what they are called, how many messages they have. */
import type { ConversationKind, History } from '#shared/access.ts';
import type { ConversationId, Sha256, UserId } from '#shared/ids.ts';
import { markDue } from './mirrors-due.ts';
import type { Sql, Transaction } from './sql.ts';

export interface Conversation {
  id: ConversationId;
  kind: ConversationKind;
  title: string | null;
  topic: string;
  /** The picture: a blob's name. */
  avatar: Sha256 | null;
  created_by: UserId;
  created_at: number;
  last_seq: number;
  history: History;
}

export interface NewConversation {
  id: ConversationId;
  kind: ConversationKind;
  title: string | null;
  createdBy: UserId;
  createdAt: number;
  members: { user: UserId; role: 'owner' | 'member' }[];
}

/** With its members, at once. False when the id is there already, or was and has been deleted: then nothing was changed. */
export async function insertConversation(sql: Sql, made: NewConversation): Promise<boolean> {
  const rows = await sql`
    with made as (
      insert into conversations (id, kind, title, created_by, created_at)
      select ${made.id}, ${made.kind}, ${made.title}, ${made.createdBy}, ${made.createdAt}::bigint
      where not exists (select 1 from deleted_conversations where id = ${made.id})
      on conflict (id) do nothing
      returning id
    ),
    due as (insert into mirrors_due (conversation) select id from made)
    insert into members (conversation, user_id, role, joined_at)
    select made.id, member.user_id, member.role, ${made.createdAt}
    from made, unnest(${made.members.map((m) => m.user)}::text[], ${made.members.map((m) => m.role)}::text[]) as member (user_id, role)
    returning user_id`;
  return rows.length > 0;
}

export async function conversationById(sql: Sql, id: ConversationId): Promise<Conversation | null> {
  const [row] = await sql<Conversation[]>`
    select id, kind, title, topic, avatar, created_by, created_at, last_seq, history from conversations where id = ${id}`;
  return row ?? null;
}

/** What members see who are added from now on; the root has yet to be told. */
export async function setHistory(sql: Sql, id: ConversationId, history: History): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`update conversations set history = ${history} where id = ${id}`;
    await markDue(tx, id);
  });
}

/** As the root has them; an empty title or picture is none. */
export async function setNamed(
  sql: Sql,
  id: ConversationId,
  { title, topic, avatar }: { title: string; topic: string; avatar: string },
): Promise<void> {
  await sql`
    update conversations set title = nullif(${title}, ''), topic = ${topic}, avatar = nullif(${avatar}, '')
    where id = ${id}`;
}

/** The number of its newest message. */
export async function lastSeqOf(sql: Sql | Transaction, id: ConversationId): Promise<number> {
  const [row] = await sql<{ last_seq: number }[]>`select last_seq from conversations where id = ${id}`;
  return row?.last_seq ?? 0;
}
