/**
 * Tells the relay what has arrived on this device (R6): of each conversation, the seq up to which all is on its disk without a gap, counted from the last
 * mark the relay knows. A mark says that one of this person's devices has it, so what another one has fetched need not be here. Marks gather for a
 * moment: what is read at once is told by its read mark alone.
 */
import type { ConversationId, UserId } from '#shared/ids.ts';
import { MARKS_MAX_COUNT } from '#shared/limits.ts';
import { pageDoc, parseDocName } from '#shared/model/doc-names.ts';
import { deletedOf, messagesOf, orderOf, pageOfSeq, type Stamp } from '#shared/model/page.ts';
import type { OverviewRow } from '#shared/protocol/overview.ts';
import type { Documents, OpenDocument } from '../local/documents.ts';
import type { Kept } from '../local/kept.ts';
import type { TableName } from '../local/tables.ts';
import type { RelayLink } from './relay-link.ts';

/** Longer than a message that is on screen takes to be marked as read. */
const GATHER_MS = 400;

export class Deliveries {
  readonly #kept: Kept;
  readonly #documents: Documents;
  readonly #link: RelayLink;
  readonly #me: UserId;
  readonly #readSeq: (id: ConversationId) => number;
  readonly #mayTell: () => boolean;
  /** Pages in memory, with the number of stamps that were looked at. */
  readonly #pages = new Map<string, { open: OpenDocument; stamps: number; stop: () => void }>();
  /** To be told, or told on this socket and not yet repeated by the relay. */
  readonly #untold = new Set<ConversationId>();
  readonly #told = new Map<ConversationId, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: {
    kept: Kept;
    documents: Documents;
    link: RelayLink;
    me: UserId;
    /** Up to where this person has read, also when the relay does not know yet. */
    readSeq: (id: ConversationId) => number;
    /** False while the disk refuses to take anything. */
    mayTell: () => boolean;
  }) {
    this.#kept = parts.kept;
    this.#documents = parts.documents;
    this.#link = parts.link;
    this.#me = parts.me;
    this.#readSeq = parts.readSeq;
    this.#mayTell = parts.mayTell;
  }

  /** After whoever keeps what the relay says: it is read from there. */
  start(): void {
    this.#documents.on('opened', this.#opened);
    this.#documents.on('closing', this.#closing);
    this.#kept.on('change', this.#changed);
    this.#link.on('overview', this.#tellAgain);
    for (const open of this.#documents.open) this.#opened(open);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#documents.off('opened', this.#opened);
    this.#documents.off('closing', this.#closing);
    this.#kept.off('change', this.#changed);
    this.#link.off('overview', this.#tellAgain);
    for (const { open } of [...this.#pages.values()]) this.#closing(open);
  }

  readonly #opened = (open: OpenDocument): void => {
    const name = parseDocName(open.name);
    if (name?.kind !== 'page') return;
    const page = { open, stamps: 0, stop: () => open.doc.off('update', look) };
    const look = (): void => {
      const { length } = orderOf(open.doc);
      if (page.stamps === length) return;
      page.stamps = length;
      this.#look(name.conversation);
    };
    this.#pages.set(open.name, page);
    void open.loaded.then(() => {
      if (open.isClosed) return;
      // Behind y-indexeddb's listener: when this one is called, the disk has been asked to write.
      open.doc.on('update', look);
      look();
    });
  };

  readonly #closing = (open: OpenDocument): void => {
    const page = this.#pages.get(open.name);
    if (page?.open !== open) return;
    page.stop();
    this.#pages.delete(open.name);
  };

  /** Fetched ahead: a page that lends the body of a late message may be here now, or the way to the newest pages was cut short. */
  readonly #changed = (table: TableName): void => {
    if (table !== 'fetched') return;
    const names = [...this.#pages.keys()].map(parseDocName);
    const here = new Set(names.flatMap((name) => (name?.kind === 'page' ? [name.conversation] : [])));
    for (const id of here) this.#look(id);
  };

  readonly #tellAgain = (rows: readonly OverviewRow[]): void => {
    this.#told.clear();
    for (const { id } of rows) this.#tellSoon(id);
  };

  #look(id: ConversationId): void {
    const from = this.#has(id);
    if (from === null) return;
    const stamps = this.#stampsFrom(id, from + 1);
    const last = stamps.at(-1);
    if (last === undefined) return;
    const pages = new Set(stamps.map(([seq]) => pageDoc(id, pageOfSeq(seq))));
    const isNews = stamps.some(([seq, message, , body]) => !this.#isMine(id, message, body ?? pageOfSeq(seq)));
    const writing = [...pages].map((page) => this.#pages.get(page)?.open.written());
    Promise.all(writing).then(
      () => this.#hold(id, last[0], isNews),
      // The disk cannot be asked: nothing is told.
      () => undefined,
    );
  }

  #hold(id: ConversationId, seq: number, isNews: boolean): void {
    if (seq > (this.#kept.table('held').get(id) ?? 0)) this.#kept.put('held', id, seq);
    // One's own messages are nobody else's to be told about; the next one by somebody else takes them along.
    if (isNews) this.#tellSoon(id);
  }

  /** Up to where it is here, or on another device of this person; null for a conversation that is not in the list. */
  #has(id: ConversationId): number | null {
    const row = this.#kept.table('overview').get(id);
    if (row === undefined) return null;
    // The relay may have been restored from an older copy.
    return Math.max(Math.min(this.#kept.table('held').get(id) ?? 0, row.lastSeq), this.#known(row));
  }

  #known(row: OverviewRow): number {
    const known = row.members.find((member) => member.id === this.#me)?.reach?.delivered ?? 0;
    return Math.max(known, row.readSeq);
  }

  /** The stamps that are here with their bodies, from this number on, without a gap. */
  #stampsFrom(id: ConversationId, from: number): Stamp[] {
    const found: Stamp[] = [];
    for (let next = from; ; next = from + found.length) {
      const page = this.#pages.get(pageDoc(id, pageOfSeq(next)))?.open;
      if (page?.isLoaded !== true) return found;
      const before = found.length;
      for (const stamp of orderOf(page.doc).toArray()) {
        if (stamp[0] < from + found.length) continue;
        if (stamp[0] > from + found.length || !this.#hasBody(id, stamp)) return found;
        found.push(stamp);
      }
      if (found.length === before) return found;
    }
  }

  #hasBody(id: ConversationId, [, message, , body]: Stamp): boolean {
    if (body === undefined) return true;
    const page = this.#pages.get(pageDoc(id, body))?.open;
    return page !== undefined && (messagesOf(page.doc).has(message) || deletedOf(page.doc).has(message));
  }

  #isMine(id: ConversationId, message: Stamp[1], body: number): boolean {
    const page = this.#pages.get(pageDoc(id, body))?.open;
    return page !== undefined && messagesOf(page.doc).get(message)?.by === this.#me;
  }

  #tellSoon(id: ConversationId): void {
    this.#untold.add(id);
    this.#timer ??= setTimeout(() => this.#tell(), GATHER_MS);
  }

  #tell(): void {
    this.#timer = undefined;
    // Not now: all of it is told when the relay is back.
    if (!this.#link.isOpen || !this.#mayTell()) return;
    const marks = [...this.#untold].flatMap((conversation) => {
      const seq = this.#has(conversation) ?? 0;
      const row = this.#kept.table('overview').get(conversation);
      const known = Math.max(row === undefined ? Infinity : this.#known(row), this.#told.get(conversation) ?? 0);
      return seq > Math.max(known, this.#readSeq(conversation)) ? [{ conversation, seq }] : [];
    });
    this.#untold.clear();
    for (const { conversation, seq } of marks) this.#told.set(conversation, seq);
    for (let at = 0; at < marks.length; at += MARKS_MAX_COUNT)
      this.#link.say({ is: 'delivered', marks: marks.slice(at, at + MARKS_MAX_COUNT) });
  }
}
