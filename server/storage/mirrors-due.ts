/**
 * The table `mirrors_due`: conversations whose members, names or title were changed on one side, in the tables or in the root document, and not yet
 * on the other. Marked in the same commit as the change, so that a crash between the two sides is made up for when the relay is back.
 */
import type { ConversationId, UserId } from '#shared/ids.ts';
import type { Sql, Transaction } from './sql.ts';

export async function markDue(sql: Transaction, conversation: ConversationId): Promise<void> {
  await sql`
    insert into mirrors_due (conversation) values (${conversation})
    on conflict (conversation) do update set mark = excluded.mark`;
}

/** All that wait, the oldest first. */
export async function allDue(sql: Sql): Promise<ConversationId[]> {
  const rows = await sql<{ conversation: ConversationId }[]>`select conversation from mirrors_due order by mark`;
  return rows.map((row) => row.conversation);
}

/** To be read before the two sides are, and given back when they agree; null when nothing is due. */
export async function dueMark(sql: Sql, conversation: ConversationId): Promise<number | null> {
  const [row] = await sql<{ mark: number }[]>`select mark from mirrors_due where conversation = ${conversation}`;
  return row?.mark ?? null;
}

/** A change that was made meanwhile has another mark, and stays due. */
export async function mirrored(sql: Sql, conversation: ConversationId, mark: number): Promise<void> {
  await sql`delete from mirrors_due where conversation = ${conversation} and mark = ${mark}`;
}

/** As part of the statement that changes a person's name or picture. */
export function dueForAllOf(sql: Sql, person: UserId) {
  return sql`
    insert into mirrors_due (conversation) select conversation from members where user_id = ${person}
    on conflict (conversation) do update set mark = excluded.mark`;
}
