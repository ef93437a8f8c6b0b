/**
 * Whether a conversation's documents say what its tables say: the stamps run from 1 to the last number without a gap, each on its page and with
 * its body or the trace of its deletion, the index of messages is the same as the documents, and the root mirrors members, name and page.
 */
import type * as Y from 'yjs';
import type { MessageId } from '#shared/ids.ts';
import { currentPage, membersOf, metaOf } from '#shared/model/conversation.ts';
import type { Message } from '#shared/model/message.ts';
import { deletedOf, messagesOf, orderOf, pageOfSeq } from '#shared/model/page.ts';
import type { Conversation } from './conversations.ts';
import type { MemberRow } from './members.ts';
import type { IndexedMessage } from './messages.ts';

export interface StoredConversation {
  row: Conversation;
  members: (MemberRow & { read_seq: number })[];
  /** Tables and root may differ in names and members: a crash came between, and the relay will make up for it. */
  isMirrorDue: boolean;
  /** In the order of their numbers. */
  index: IndexedMessage[];
}

/** What the pages say about one message. */
interface Body {
  page: number;
  value: Message | null;
  isDeleted: boolean;
}

/** Collects what the pages of a conversation hold, one after the other, so that they need not be in memory together. */
export class ConversationCheck {
  readonly #stored: StoredConversation;
  readonly #stamps: { seq: number; id: MessageId; at: number; page: number; body: number }[] = [];
  readonly #bodies = new Map<string, Body>();
  readonly #faults: string[] = [];

  constructor(stored: StoredConversation) {
    this.#stored = stored;
  }

  root(doc: Y.Doc): void {
    const { row, members, isMirrorDue } = this.#stored;
    const page = currentPage(doc);
    if (page !== pageOfSeq(row.last_seq + 1))
      this.#faults.push(`the root says page ${page} of ${row.last_seq} messages`);
    for (const { user_id, read_seq } of members)
      if (read_seq > row.last_seq) this.#faults.push(`${user_id} has read ${read_seq} of ${row.last_seq}`);
    if (!isMirrorDue) this.#mirror(doc);
  }

  #mirror(doc: Y.Doc): void {
    const { row, members } = this.#stored;
    const meta = metaOf(doc);
    const told: [string, unknown, unknown][] = [
      ['kind', meta.get('kind'), row.kind],
      ['createdBy', meta.get('createdBy'), row.created_by],
      ['createdAt', meta.get('createdAt'), row.created_at],
      ['title', plain(meta.get('title') ?? ''), row.title ?? ''],
      ['avatar', plain(meta.get('avatar') ?? ''), row.avatar ?? ''],
      ['history', meta.get('history') ?? 'all', row.history],
      ['topic', plain(meta.get('topic') ?? ''), row.topic],
    ];
    for (const [what, inDocument, inTable] of told)
      if (inDocument !== inTable)
        this.#faults.push(`the root says ${what} ${shown(inDocument)}, the tables ${shown(inTable)}`);
    const mirrored = new Map(membersOf(doc).entries());
    for (const { user_id, role, name, avatar, joined_at, left_at, hidden_seq } of members) {
      const expected = {
        role,
        name,
        ...(avatar === null ? {} : { avatar }),
        joinedAt: joined_at,
        ...(left_at === null ? {} : { leftAt: left_at }),
        ...(hidden_seq === 0 ? {} : { hiddenSeq: hidden_seq }),
      };
      if (!same(mirrored.get(user_id), expected))
        this.#faults.push(`the root says of ${user_id} ${shown(mirrored.get(user_id))}, the tables ${shown(expected)}`);
      mirrored.delete(user_id);
    }
    for (const user of mirrored.keys()) this.#faults.push(`the root knows a member ${user}, the tables do not`);
  }

  page(page: number, doc: Y.Doc): void {
    const messages = messagesOf(doc);
    const deleted = deletedOf(doc);
    for (const [seq, id, at, body = page] of orderOf(doc)) this.#stamps.push({ seq, id, at, page, body });
    for (const id of new Set([...messages.keys(), ...deleted.keys()])) {
      this.#bodies.set(`${page}/${id}`, { page, value: messages.get(id) ?? null, isDeleted: deleted.has(id) });
      if (messages.has(id) && deleted.has(id)) this.#faults.push(`${id} on page ${page} is there and deleted`);
    }
  }

  /** After the root and all pages. */
  faults(): string[] {
    const { row, index } = this.#stored;
    const faults = [...this.#faults];
    const stamps = this.#stamps.sort((a, b) => a.seq - b.seq);
    if (stamps.length !== row.last_seq)
      faults.push(`has ${stamps.length} stamps, and ${row.last_seq} numbers were given`);
    stamps.forEach(({ seq }, i) => {
      if (seq !== i + 1) faults.push(`number ${seq} stands in place ${i + 1}`);
    });
    const once = new Set<string>();
    for (const { seq, id, page, body } of stamps) {
      if (once.has(id)) faults.push(`${id} is stamped twice`);
      once.add(id);
      if (pageOfSeq(seq) !== page) faults.push(`the stamp ${seq} is on page ${page}`);
      const found = this.#bodies.get(`${body}/${id}`);
      if (found === undefined) faults.push(`${id}, number ${seq}, is not on page ${body}`);
      else if (found.value === null && !found.isDeleted) faults.push(`${id}, number ${seq}, has no text`);
    }
    // A copy of a stamped message on another page is not it, and does no harm; a message without any stamp was never accepted.
    for (const [key, { value }] of this.#bodies) {
      const id = key.slice(key.indexOf('/') + 1);
      if (value !== null && !once.has(id)) faults.push(`${id} has no stamp`);
    }
    faults.push(...this.#indexFaults(index));
    return faults;
  }

  #indexFaults(index: IndexedMessage[]): string[] {
    const faults: string[] = [];
    const rows = new Map(index.map((each) => [each.seq, each]));
    for (const { seq, id, at, body } of this.#stamps) {
      const indexed = rows.get(seq);
      rows.delete(seq);
      const inPage = this.#bodies.get(`${body}/${id}`);
      if (indexed === undefined) faults.push(`number ${seq} is not in the index`);
      else if (indexed.id !== id || indexed.page !== body || indexed.stampedAt !== at)
        faults.push(`number ${seq} is ${id} on page ${body}, in the index ${indexed.id} on page ${indexed.page}`);
      else if (indexed.deleted !== (inPage?.isDeleted ?? false) || indexed.deleted !== (indexed.value === null))
        faults.push(`${id} is ${indexed.deleted ? '' : 'not '}deleted in the index only`);
      else if (inPage?.value != null && inPage.value.by !== indexed.author)
        faults.push(`${id} is by ${inPage.value.by}, in the index by ${indexed.author}`);
      else if (!sameMessage(inPage?.value ?? null, indexed.value))
        faults.push(`${id} says ${shown(inPage?.value)}, in the index ${shown(indexed.value)}`);
    }
    for (const seq of rows.keys()) faults.push(`number ${seq} is in the index only`);
    return faults;
  }
}

/** The index drops what jsonb cannot hold, and a mention of everybody by somebody who may not mention everybody. */
function sameMessage(value: Message | null, indexed: Message | null): boolean {
  if (value === null || indexed === null) return value === indexed;
  const { mentions, ...rest } = value;
  return same(value, indexed) || (mentions === 'all' && same(rest, indexed));
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(plain(a)) === JSON.stringify(plain(b));

/** As the tables keep it: keys in order, without U+0000 and halves of surrogate pairs. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '').toWellFormed();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, part]) => [plain(key) as string, plain(part)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 160);
