/**
 * The group commit. Rooms append what they accepted; whatever comes within a moment, from all rooms, shares one transaction and one fsync.
 * An entry's promise resolves when it is on disk, and rejects when its transaction failed: then nothing of that transaction is.
 *
 * Entries of a *lane* (a conversation, a personal document) build on each other. When one is lost, those that wait behind it are lost too,
 * and whoever watches is told before any promise rejects, so that nothing can be appended to a lane that no longer stands on the disk.
 */
import type { ConversationId, MessageId, UserId } from '#shared/ids.ts';
import type { Message } from '#shared/model/message.ts';
import { type Log, reason } from '../log.ts';
import { BYTEA_ARRAY, type Sql, type Transaction } from './sql.ts';

/** How long accepted updates wait for company before they share one commit. Longer saves fsyncs, shorter saves milliseconds on every message. */
const COMMIT_WINDOW_MS = 2;
/** One transaction holds at most so many entries, so that a flood does not become one endless commit. */
const COMMIT_MAX_ENTRIES = 1_000;

export interface NewMessage {
  conversation: ConversationId;
  seq: number;
  id: MessageId;
  page: number;
  author: UserId;
  stampedAt: number;
  value: Message;
}

export interface JournalEntry {
  lane: string;
  updates: { document: string; bytes: Uint8Array }[];
  clients: { document: string; client: number; person: UserId | null }[];
  /** The conversation's last seq, before and after this entry; null when nothing was stamped. */
  numbered: { conversation: ConversationId; from: number; to: number } | null;
  messages: NewMessage[];
  /** Changes to indexed messages; a null value is a deletion. */
  changes: { conversation: ConversationId; id: MessageId; page: number; value: Message | null }[];
}

interface Waiting {
  entry: JournalEntry;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export class Journal {
  #sql: Sql;
  #log: Log;
  #queue: Waiting[] = [];
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #stopped = false;
  #lost: (lanes: ReadonlySet<string>) => void = () => undefined;

  constructor(sql: Sql, log: Log) {
    this.#sql = sql;
    this.#log = log;
  }

  /** The one who is told, at once, which lanes were lost. */
  watch(lost: (lanes: ReadonlySet<string>) => void): void {
    this.#lost = lost;
  }

  append(entry: JournalEntry): Promise<void> {
    if (this.#stopped) return Promise.reject(new Error('the journal is closed'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ entry, resolve, reject });
      if (this.#running === null) this.#timer ??= setTimeout(() => this.#start(), COMMIT_WINDOW_MS);
    });
  }

  /** Writes what is waiting, then takes no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) this.#start();
    while (this.#running !== null) await this.#running;
  }

  #start(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#running = this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, COMMIT_MAX_ENTRIES);
      try {
        await this.#sql.begin((tx) =>
          commit(
            tx,
            batch.map((waiting) => waiting.entry),
          ),
        );
        for (const { resolve } of batch) resolve();
      } catch (error) {
        this.#fail(batch, error);
      }
    }
    // In the same breath as the look at the queue: an entry that comes after it must start the clock again.
    this.#running = null;
  }

  #fail(batch: Waiting[], error: unknown): void {
    this.#log.error('commit failed', { entries: batch.length, why: reason(error) });
    const lanes = new Set(batch.map(({ entry }) => entry.lane));
    const behind = this.#queue.filter(({ entry }) => lanes.has(entry.lane));
    this.#queue = this.#queue.filter(({ entry }) => !lanes.has(entry.lane));
    this.#lost(lanes);
    for (const { reject } of [...batch, ...behind]) reject(error);
  }
}

async function commit(tx: Transaction, entries: JournalEntry[]): Promise<void> {
  // Not awaited one by one: the driver pipelines them on the transaction's connection.
  const work: Promise<unknown>[] = [];
  const updates = entries.flatMap((entry) => entry.updates);
  if (updates.length > 0) {
    work.push(tx`
      insert into updates (document, bytes)
      select * from unnest(${updates.map((u) => u.document)}::text[], ${tx.array(
        updates.map((u) => u.bytes),
        BYTEA_ARRAY,
      )}::bytea[])`);
  }
  const clients = entries.flatMap((entry) => entry.clients);
  if (clients.length > 0) {
    work.push(tx`
      insert into document_clients (document, client, person)
      select * from unnest(${clients.map((c) => c.document)}::text[], ${clients.map((c) => c.client)}::bigint[], ${clients.map((c) => c.person)}::text[])
      on conflict do nothing`);
  }
  work.push(...numberConversations(tx, entries), ...insertMessages(tx, entries), ...changeMessages(tx, entries));
  await Promise.all(work);
}

function numberConversations(tx: Transaction, entries: JournalEntry[]): Promise<void>[] {
  const spans = new Map<string, { from: number; to: number }>();
  for (const { numbered } of entries) {
    if (numbered === null) continue;
    const span = spans.get(numbered.conversation);
    if (span === undefined) spans.set(numbered.conversation, { from: numbered.from, to: numbered.to });
    else if (span.to === numbered.from) span.to = numbered.to;
    else return [Promise.reject(new Error(`numbers of ${numbered.conversation} do not follow each other`))];
  }
  if (spans.size === 0) return [];
  // In one order everywhere, so that two relays that number the same conversations wait for each other instead of deadlocking.
  const rows = [...spans].sort(([a], [b]) => (a < b ? -1 : 1));
  const work = tx`
    update conversations set last_seq = n.new
    from unnest(${rows.map(([id]) => id)}::text[], ${rows.map(([, s]) => s.from)}::bigint[], ${rows.map(([, s]) => s.to)}::bigint[]) as n (id, old, new)
    where conversations.id = n.id and conversations.last_seq = n.old`;
  return [
    work.then((result) => {
      if (result.count !== rows.length) throw new Error('somebody else has numbered a conversation meanwhile');
    }),
  ];
}

function insertMessages(tx: Transaction, entries: JournalEntry[]): Promise<unknown>[] {
  const rows = entries.flatMap((entry) => entry.messages);
  if (rows.length === 0) return [];
  return [
    tx`
      insert into messages (conversation, seq, id, page, author, stamped_at, value)
      select conversation, seq, id, page, author, stamped_at, value::jsonb
      from unnest(
        ${rows.map((m) => m.conversation)}::text[], ${rows.map((m) => m.seq)}::bigint[], ${rows.map((m) => m.id)}::text[],
        ${rows.map((m) => m.page)}::int[], ${rows.map((m) => m.author)}::text[], ${rows.map((m) => m.stampedAt)}::bigint[],
        ${rows.map((m) => jsonText(m.value))}::text[]
      ) as m (conversation, seq, id, page, author, stamped_at, value)`,
  ];
}

function changeMessages(tx: Transaction, entries: JournalEntry[]): Promise<unknown>[] {
  // Of several changes to one message in a commit the last one counts; a statement that met it twice would pick any.
  const last = new Map(
    entries
      .flatMap((entry) => entry.changes)
      .map((change) => [`${change.conversation}:${change.id}:${change.page}`, change]),
  );
  if (last.size === 0) return [];
  const rows = [...last.values()];
  return [
    tx`
      update messages set value = n.value::jsonb, deleted = messages.deleted or n.value is null
      from unnest(
        ${rows.map((c) => c.conversation)}::text[], ${rows.map((c) => c.id)}::text[], ${rows.map((c) => c.page)}::int[],
        ${rows.map((c) => (c.value === null ? null : jsonText(c.value)))}::text[]
      ) as n (conversation, id, page, value)
      where messages.conversation = n.conversation and messages.id = n.id and messages.page = n.page and not messages.deleted`,
  ];
}

/** As JSON that Postgres takes: jsonb has no place for U+0000 and for halves of surrogate pairs, which a text may carry. */
function jsonText(value: Message): string {
  const text = JSON.stringify(value);
  if (!/\\u(?:0000|d[89a-f])/.test(text)) return text;
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'string' ? part.replaceAll('\0', '').toWellFormed() : part,
  );
}
