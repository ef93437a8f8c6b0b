/** Documents on disk: a snapshot, the log of updates since, and whose each Yjs client id is. The journal appends; here they are read and compacted. */
import * as Y from 'yjs';
import type { UserId } from '#shared/ids.ts';
import type { Sql } from './sql.ts';

export interface StoredDocument {
  /** The snapshot, when there is one, and behind it the log. */
  updates: Uint8Array[];
  /** Length of the log behind the snapshot. */
  logLength: number;
  /** Whose a client id is; null is the relay's own. */
  clients: Map<number, UserId | null>;
}

/** Reads documents, in their order; those that were never written are there too, empty. */
export async function loadDocuments(sql: Sql, names: readonly string[]): Promise<StoredDocument[]> {
  const wanted = [...new Set(names)];
  // In one statement: between two, a compaction could move updates from one to the other and they would be missed.
  const parts = await sql<Part[]>`
    select document, bytes, 0::bigint as number, null::bigint as client, null as person from snapshots where document = any(${wanted})
    union all
    select document, bytes, id, null, null from updates where document = any(${wanted})
    union all
    select document, null, 0, client, person from document_clients where document = any(${wanted})`;
  const found = Map.groupBy(parts, ({ document }) => document);
  return names.map((name) => storedIn(found.get(name) ?? []));
}

interface Part {
  document: string;
  /** Of a snapshot or an update; null when this is about a client. */
  bytes: Uint8Array | null;
  /** Its place in the log, which begins with 1. */
  number: number;
  client: number;
  person: UserId | null;
}

function storedIn(parts: readonly Part[]): StoredDocument {
  const stored: StoredDocument = { updates: [], logLength: 0, clients: new Map() };
  for (const { bytes, number, client, person } of parts.toSorted((a, b) => a.number - b.number)) {
    if (bytes === null) stored.clients.set(client, person);
    else stored.updates.push(bytes);
    if (number > 0) stored.logLength += 1;
  }
  return stored;
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
