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
import { BYTEA_ARRAY } from './lists.ts';
import { isDivisionByZero, type Sql } from './sql.ts';

/**
 * A commit begins at most so often. A first entry after a pause does not wait at all; under load entries gather, about half of this long on average.
 * Longer saves fsyncs and journeys to Postgres, which cost the relay more than all the rest of a message; shorter saves milliseconds on every message.
 */
const COMMIT_EVERY_MS = 4;
/** One transaction holds at most so many entries, so that a flood does not become one endless commit. */
const COMMIT_MAX_ENTRIES = 1_000;
/**
 * What is large waits its turn, so that what is small need not wait behind it: of a lane so much goes into one transaction, and so much in all;
 * only what is small is taken beyond that.
 */
const COMMIT_LANE_MAX_BYTES = 128 * 1024;
const COMMIT_MAX_BYTES = 1024 * 1024;
const SMALL_MAX_BYTES = 4 * 1024;

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
  /** The root of this conversation now has a name that the tables have yet to be told. */
  renamed?: ConversationId;
}

interface Waiting {
  entry: JournalEntry;
  resolve: () => void;
  reject: (error: unknown) => void;
}

type State = { is: 'idle' } | { is: 'gathering' } | { is: 'committing'; done: Promise<void> };

export class Journal {
  #sql: Sql;
  #log: Log;
  #queue: Waiting[] = [];
  #state: State = { is: 'idle' };
  /** When the last commit began, by the clock that never jumps. */
  #begunAt = -Infinity;
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
      if (this.#state.is === 'idle') this.#gather();
    });
  }

  /** Writes what is waiting, then takes no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (;;) {
      this.#begin();
      if (this.#state.is !== 'committing') return;
      await this.#state.done;
    }
  }

  #gather(): void {
    this.#state = { is: 'gathering' };
    const wait = this.#begunAt + COMMIT_EVERY_MS - performance.now();
    // Behind whatever else has just come in.
    if (wait <= 0) setImmediate(() => this.#begin());
    else setTimeout(() => this.#begin(), wait);
  }

  #begin(): void {
    if (this.#state.is !== 'gathering') return;
    this.#begunAt = performance.now();
    this.#state = { is: 'committing', done: this.#commit(this.#nextBatch()) };
  }

  /** The first of the queue always; within a lane in order, without a gap. */
  #nextBatch(): Waiting[] {
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    const lanes = new Map<string, number>();
    const full = new Set<string>();
    let total = 0;
    for (const waiting of this.#queue) {
      const { lane } = waiting.entry;
      const bytes = bytesOf(waiting.entry);
      const inLane = lanes.get(lane) ?? 0;
      const fits =
        batch.length === 0 ||
        (inLane + bytes <= COMMIT_LANE_MAX_BYTES && (total + bytes <= COMMIT_MAX_BYTES || bytes <= SMALL_MAX_BYTES));
      if (full.has(lane) || !fits || batch.length >= COMMIT_MAX_ENTRIES) {
        full.add(lane);
        left.push(waiting);
        continue;
      }
      batch.push(waiting);
      lanes.set(lane, inLane + bytes);
      total += bytes;
    }
    this.#queue = left;
    return batch;
  }

  async #commit(batch: Waiting[]): Promise<void> {
    try {
      await commit(
        this.#sql,
        batch.map((waiting) => waiting.entry),
      );
      for (const { resolve } of batch) resolve();
    } catch (error) {
      this.#fail(
        batch,
        isDivisionByZero(error) ? new Error('somebody else has numbered a conversation meanwhile') : error,
      );
    }
    // In the same breath as the look at the queue: an entry that comes after it must start the clock again.
    if (this.#queue.length > 0) this.#gather();
    else this.#state = { is: 'idle' };
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

const bytesOf = (entry: JournalEntry): number => entry.updates.reduce((sum, { bytes }) => sum + bytes.length, 0);

/**
 * One statement, and so one transaction and one journey to the server and back: in pieces, the driver's writes cost more than all the rest of a
 * message. It has only the parts that this commit needs: each costs Postgres something even when there is nothing in it. Every part sees the
 * tables as they were before, so what changes messages of the same commit is worked in beforehand.
 */
async function commit(sql: Sql, entries: JournalEntry[]): Promise<void> {
  const updates = entries.flatMap((entry) => entry.updates);
  const clients = entries.flatMap((entry) => entry.clients);
  const spans = numberSpans(entries);
  const { messages, changes } = rowsOf(entries);
  const renamed = new Set(entries.flatMap((entry) => entry.renamed ?? []));
  const answer = await sql`
    with
      logged as (
        insert into updates (document, bytes)
        select * from unnest(${updates.map((u) => u.document)}::text[], ${sql.array(
          updates.map((u) => u.bytes),
          BYTEA_ARRAY,
        )}::bytea[])
      )
      ${clients.length > 0 ? introduced(sql, clients) : sql``}
      ${messages.length > 0 ? posted(sql, messages) : sql``}
      ${changes.length > 0 ? changed(sql, changes) : sql``}
      ${renamed.size > 0 ? due(sql, [...renamed]) : sql``}
    ${spans.length > 0 ? numbered(sql, spans) : sql`select`}`;
  // It always answers with one row. People are told "sent" after this: an answer that is none must not pass for one.
  if (answer.length !== 1) throw new Error('the database did not answer a commit');
}

function introduced(sql: Sql, clients: JournalEntry['clients']) {
  return sql`,
      introduced as (
        insert into document_clients (document, client, person)
        select * from unnest(
          ${clients.map((c) => c.document)}::text[], ${clients.map((c) => c.client)}::bigint[], ${clients.map((c) => c.person)}::text[]
        )
        on conflict do nothing
      )`;
}

function posted(sql: Sql, messages: MessageRow[]) {
  return sql`,
      posted as (
        insert into messages (conversation, seq, id, page, author, stamped_at, value, deleted)
        select conversation, seq, id, page, author, stamped_at, value::jsonb, value is null
        from unnest(
          ${messages.map((m) => m.conversation)}::text[], ${messages.map((m) => m.seq)}::bigint[], ${messages.map((m) => m.id)}::text[],
          ${messages.map((m) => m.page)}::int[], ${messages.map((m) => m.author)}::text[], ${messages.map((m) => m.stampedAt)}::bigint[],
          ${messages.map((m) => jsonText(m.value))}::text[]
        ) as m (conversation, seq, id, page, author, stamped_at, value)
      )`;
}

function changed(sql: Sql, changes: JournalEntry['changes']) {
  return sql`,
      changed as (
        update messages set value = n.value::jsonb, deleted = n.value is null
        from unnest(
          ${changes.map((c) => c.conversation)}::text[], ${changes.map((c) => c.id)}::text[], ${changes.map((c) => c.page)}::int[],
          ${changes.map((c) => jsonText(c.value))}::text[]
        ) as n (conversation, id, page, value)
        where messages.conversation = n.conversation and messages.id = n.id and messages.page = n.page and not messages.deleted
      )`;
}

function due(sql: Sql, renamed: ConversationId[]) {
  return sql`,
      due as (
        insert into mirrors_due (conversation) select * from unnest(${renamed}::text[])
        on conflict (conversation) do update set mark = excluded.mark
      )`;
}

/** Dividing by zero undoes all of the statement: somebody else has numbered one of the conversations meanwhile. */
function numbered(sql: Sql, spans: Span[]) {
  return sql`,
      numbered as (
        update conversations set last_seq = n.new
        from unnest(${spans.map((s) => s.id)}::text[], ${spans.map((s) => s.from)}::bigint[], ${spans.map((s) => s.to)}::bigint[]) as n (id, old, new)
        where conversations.id = n.id and conversations.last_seq = n.old
        returning 1
      )
    select 1 / (case when count(*) = ${spans.length}::int then 1 else 0 end) from numbered`;
}

interface Span {
  id: ConversationId;
  from: number;
  to: number;
}

/** From which number to which each conversation goes in this commit. */
function numberSpans(entries: JournalEntry[]): Span[] {
  const spans = new Map<ConversationId, Span>();
  for (const { numbered } of entries) {
    if (numbered === null) continue;
    const span = spans.get(numbered.conversation);
    if (span === undefined)
      spans.set(numbered.conversation, { id: numbered.conversation, from: numbered.from, to: numbered.to });
    else if (span.to === numbered.from) span.to = numbered.to;
    else throw new Error(`numbers of ${numbered.conversation} do not follow each other`);
  }
  // In one order everywhere, so that two relays that number the same conversations wait for each other instead of deadlocking.
  return [...spans.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

type MessageRow = Omit<NewMessage, 'value'> & { value: Message | null };

/** New messages as they are at the end of this commit, and the last change to each older one; a deletion stays. */
function rowsOf(entries: JournalEntry[]): { messages: MessageRow[]; changes: JournalEntry['changes'] } {
  const messages = new Map<string, MessageRow>();
  const changes = new Map<string, JournalEntry['changes'][number]>();
  const keyOf = (row: { conversation: string; id: string; page: number }): string =>
    `${row.conversation}:${row.id}:${row.page}`;
  for (const entry of entries) {
    for (const message of entry.messages) messages.set(keyOf(message), { ...message });
    for (const change of entry.changes) {
      const key = keyOf(change);
      const fresh = messages.get(key);
      if (fresh === undefined) {
        if (changes.get(key)?.value !== null) changes.set(key, change);
      } else if (fresh.value !== null) fresh.value = change.value;
    }
  }
  return { messages: [...messages.values()], changes: [...changes.values()] };
}

/** As JSON that Postgres takes: jsonb has no place for U+0000 and for halves of surrogate pairs, which a text may carry. */
function jsonText(value: Message | null): string | null {
  if (value === null) return null;
  const text = JSON.stringify(value);
  if (!/\\u(?:0000|d[89a-f])/.test(text)) return text;
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'string' ? part.replaceAll('\0', '').toWellFormed() : part,
  );
}
