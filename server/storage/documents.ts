/** Documents on disk: a snapshot, the log of updates since, and whose each Yjs client id is. The journal appends; here they are read and compacted. */
import * as Y from 'yjs';
import type { UserId } from '#shared/ids.ts';
import type { Sql } from './sql.ts';

export interface StoredDocument {
  /** Snapshot and updates; their order does not matter to Yjs. */
  updates: Uint8Array[];
  /** Length of the log behind the snapshot. */
  logLength: number;
  /** Whose a client id is; null is the relay's own. */
  clients: Map<number, UserId | null>;
}

/** Reads several documents; those that were never written are there too, empty. */
export async function loadDocuments(sql: Sql, names: string[]): Promise<Map<string, StoredDocument>> {
  const found = new Map<string, StoredDocument>(
    names.map((name) => [name, { updates: [], logLength: 0, clients: new Map() }]),
  );
  // Snapshot and log in one statement: between two, a compaction could move updates from one to the other and they would be missed.
  // The clients after it: one too many does no harm.
  const parts = await sql<{ document: string; bytes: Uint8Array; log: boolean }[]>`
    select document, bytes, false as log from snapshots where document = any(${names})
    union all
    select document, bytes, true as log from updates where document = any(${names})`;
  const clients = await sql<{ document: string; client: number; person: UserId | null }[]>`
    select document, client, person from document_clients where document = any(${names})`;
  for (const { document, bytes, log } of parts) {
    const stored = found.get(document);
    stored?.updates.push(bytes);
    if (stored && log) stored.logLength += 1;
  }
  for (const { document, client, person } of clients) found.get(document)?.clients.set(client, person);
  return found;
}

/** Builds the document. One transaction around all updates, so that Yjs tidies up once. */
export function buildDocument(stored: Pick<StoredDocument, 'updates'>): Y.Doc {
  const doc = new Y.Doc();
  doc.transact(() => {
    for (const update of stored.updates) Y.applyUpdate(doc, update);
  });
  return doc;
}

/**
 * Writes a snapshot of what is on disk and removes the log behind it, in one transaction. Works on the disk's copy and not on a room's, so it
 * may run beside a living room: updates that are committed meanwhile stay in the log.
 */
export async function compactDocument(sql: Sql, name: string): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`;
    const log = await tx<
      { id: number; bytes: Uint8Array }[]
    >`select id, bytes from updates where document = ${name} order by id`;
    const last = log.at(-1);
    if (last === undefined) return;
    const [snapshot] = await tx<{ bytes: Uint8Array }[]>`select bytes from snapshots where document = ${name}`;
    const doc = buildDocument({ updates: [...(snapshot ? [snapshot.bytes] : []), ...log.map((row) => row.bytes)] });
    const bytes = Y.encodeStateAsUpdate(doc);
    doc.destroy();
    await tx`
      insert into snapshots (document, bytes, through) values (${name}, ${bytes}, ${last.id})
      on conflict (document) do update set bytes = excluded.bytes, through = excluded.through`;
    await tx`delete from updates where id = any(${log.map((row) => row.id)}::bigint[])`;
  });
}
