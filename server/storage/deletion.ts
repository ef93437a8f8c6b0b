/** Deleting a group for everybody: rows, index, documents, all in one transaction. What stays is that there was one with this id. */
import type { ConversationId, UserId } from '#shared/ids.ts';
import { conversationDoc, pageDoc } from '#shared/model/doc-names.ts';
import { pageOfSeq } from '#shared/model/page.ts';
import { lastSeqOf } from './conversations.ts';
import { lockMembers } from './members.ts';
import type { Sql } from './sql.ts';

/**
 * Answers who was in it; null when it is not this person's to delete (any more). Nobody may be writing into it. The members are held first, as
 * whoever changes them does it.
 */
export async function deleteGroup(sql: Sql, id: ConversationId, owner: UserId, now: number): Promise<UserId[] | null> {
  return sql.begin(async (tx) => {
    const members = await lockMembers(tx, id);
    if (members.get(owner) !== 'owner') return null;
    const lastPage = pageOfSeq((await lastSeqOf(tx, id)) + 1);
    const documents = [
      conversationDoc(id),
      ...Array.from({ length: lastPage + 1 }, (_page, number) => pageDoc(id, number)),
    ];
    // A compaction that has read the log would write its snapshot behind this.
    await tx`select pg_advisory_xact_lock(hashtextextended(name, 0)) from unnest(${documents}::text[]) as name`;
    await tx`delete from updates where document = any(${documents})`;
    await tx`delete from snapshots where document = any(${documents})`;
    await tx`delete from document_clients where document = any(${documents})`;
    await tx`insert into deleted_conversations (id, deleted_at) values (${id}, ${now})`;
    await tx`delete from blob_grants where scope = ${id}`;
    await tx`delete from conversations where id = ${id}`;
    return [...members.keys()];
  });
}

export async function wasDeleted(sql: Sql, id: ConversationId): Promise<boolean> {
  const rows = await sql`select 1 from deleted_conversations where id = ${id}`;
  return rows.length > 0;
}
